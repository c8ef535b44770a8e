// ride broker: one Kafka broker in the foreground (broker-config/).
#include "broker-config/broker_command.h"

#include <CLI/CLI.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/kafka_settings.h"
#include "stream/kafka/acls.h"

namespace ride::cli {
namespace {

constexpr std::chrono::seconds kRightsPatience{30};

// A broker that has just begun may not know a controller yet.
Result<void> give_rights(const std::string& brokers, const std::string& prefix, const std::filesystem::path& admin) {
  RIDE_ASSIGN(const auto file, load_kafka_config(admin.string()));
  kafka::ClientConfig config{.brokers = brokers, .extra = file, .client_id = "ride-broker"};
  const auto rules = stream::rights(prefix, stream::default_users(prefix), {});
  for (const auto deadline = std::chrono::steady_clock::now() + kRightsPatience;;) {
    auto done = kafka::create_acls(config, rules);
    if (done.ok() || !done.error().retriable || std::chrono::steady_clock::now() > deadline) return done;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

ExitCode run_broker(const ParamFlags& flags) {
  const auto values = flags.values();
  if (!values.ok()) return fail(values.error());
  auto options = broker::broker_options(*values);
  if (!options.ok()) return fail(options.error());
  for (const auto role : stream::kRoles) options->users.push_back(stream::default_user(options->prefix, role));
  options->mechanism = kafka::login_mechanism();
  options->give_rights = [prefix = options->prefix](const std::string& brokers, const std::filesystem::path& admin) {
    return give_rights(brokers, prefix, admin);
  };
  Interrupt interrupt;
  const auto ended = broker::run_broker(*options, interrupt.token(), interrupt.hurry());
  if (!ended.ok()) {
    const ExitCode code = fail(ended.error());
    return code == ExitCode::usage ? code : ExitCode::failed;
  }
  return ExitCode::ok;  // it runs until it is asked to stop, as services are
}

}  // namespace

void add_broker_command(Program& program) {
  auto flags = std::make_shared<ParamFlags>();
  auto& command = program.add(
      "This machine", "broker", "Run a Kafka broker in the foreground, alone or as a node of several",
      "  ride broker                                      one broker on 127.0.0.1:9092, data in .ride/broker\n"
      "  ride broker --port 0 --data /var/lib/ride        on a free port, which is printed\n"
      "  ride broker --id 1 --host 10.0.0.1 --quorum 1@10.0.0.1:9093,2@10.0.0.2:9093,3@10.0.0.3:9093\n"
      "  ride broker --sasl secrets                       with users, passwords, TLS and rights: docs/security.md\n"
      "  ride broker --print-config                       Kafka's settings with their reasons",
      [flags] { return run_broker(*flags); });
  flags->declare(command, broker::broker_params());
}

}  // namespace ride::cli
