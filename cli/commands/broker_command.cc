// ride broker: one Kafka broker in the foreground (broker-config/).
#include "broker-config/broker_command.h"

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/interrupt.h"

namespace ride::cli {
namespace {

ExitCode run_broker(const ParamFlags& flags) {
  const auto values = flags.values();
  if (!values.ok()) return fail(values.error());
  const auto options = broker::broker_options(*values);
  if (!options.ok()) return fail(options.error());
  Interrupt interrupt;
  const auto ended = broker::run_broker(*options, interrupt.token(), interrupt.hurry());
  if (!ended.ok()) {
    const ExitCode code = fail(ended.error());
    return code == ExitCode::usage ? code : ExitCode::failed;
  }
  return ExitCode::ok;  // it runs until it is told to end, as services are
}

}  // namespace

void add_broker_command(Program& program) {
  auto flags = std::make_shared<ParamFlags>();
  auto& command = program.add(
      "This machine", "broker", "Run a Kafka broker in the foreground, alone or as a node of several",
      "  ride broker                                      one broker on 127.0.0.1:9092, data in .ride/broker\n"
      "  ride broker --port 0 --data /var/lib/ride        on a free port, which is printed\n"
      "  ride broker --id 1 --host 10.0.0.1 --quorum 1@10.0.0.1:9093,2@10.0.0.2:9093,3@10.0.0.3:9093\n"
      "  ride broker --print-config                       Kafka's settings with their reasons",
      [flags] { return run_broker(*flags); });
  flags->declare(command, broker::broker_params());
}

}  // namespace ride::cli
