// ride-master: flags in, Master::start(), exit code out.
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>

#include "common/exit_codes.h"
#include "common/log.h"
#include "common/setting_checks.h"
#include "common/token_file.h"
#include "master/http_server.h"
#include "master/master.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "process/interrupt.h"
#include "process/proc.h"
#include "process/service.h"
#include "process/start_again.h"
#include "stream/kafka/client_flags.h"
#include "worker/tasks/builtin_catalog.h"

namespace {

constexpr std::chrono::seconds kStopWithin{15};
constexpr std::chrono::milliseconds kLook{50};  // how soon it sees that the master has failed

constexpr const char* kFooter = R"(
The master reads topologies, makes topics, gives partitions to workers and sources to producers, and serves the REST API
that `ride` talks to. It keeps nothing on disk: all that it knows stands in Kafka (<prefix>.decisions, <prefix>.reports), and
workers go on without it.

Start two or more, on different machines, with the same brokers and prefix: one leads, the others stand by and follow. When
the leader falls silent, a standby leads within two seconds. `ride --master URL1,URL2` talks to whichever is there; a standby
answers questions itself and sends changes on to the leader.

Examples:
  ride broker &                                            # a Kafka of your own
  ride-master --brokers localhost:9092
  ride-master --brokers kafka1:9093,kafka2:9093 --http 0.0.0.0:7800 --token-file /etc/ride/tokens \
              --kafka-config /etc/ride/kafka.conf
  ride submit street.yaml --master http://127.0.0.1:7800

Outside of loopback the API asks for a token: --token-file FILE, one token a line (clients: 'Authorization: Bearer TOKEN',
for ride RIDE_TOKEN_FILE); only /healthz and /readyz need none. There is no TLS: put something that has it in front, or a
network that nobody else hears. Clients may call it by its address, localhost, this host's name, --advertised-http and each
--http-name; on loopback by loopback's addresses and localhost alone, so that no web page can use it by a name of its own.
/api/v1/openapi.json describes it, /metrics is for Prometheus, /readyz says whether the master leads or stands by.

Exit codes: 0 stopped on request, 1 failed, 2 wrong usage.)";

struct Flags {
  std::optional<ride::kafka::ClientFlags> kafka;
  std::string http = "127.0.0.1:7800";
  std::string advertised;
  std::string port_file, token_file;
  std::vector<std::string> http_names, plugins;
  bool insecure = false;
  std::string tick_interval = "100ms";
  int loss_ticks = 5;
  int snapshot_records = 5000;
};

void declare(CLI::App& app, Flags& flags) {
  flags.kafka.emplace(app);
  app.add_option("--http", flags.http, "Where to serve the API, HOST:PORT; port 0: a free one, which is printed")
      ->envname("RIDE_HTTP")
      ->capture_default_str();
  app.add_option("--advertised-http", flags.advertised,
                 "HOST:PORT at which the other masters' clients reach this one (default: --http, or this host's name)")
      ->envname("RIDE_ADVERTISED_HTTP");
  app.add_option("--http-name", flags.http_names,
                 "A name by which clients outside may call it, of a proxy for example; repeatable")
      ->envname("RIDE_HTTP_NAME");
  app.add_option("--token-file", flags.token_file,
                 "File with the tokens that open the API, one a line, 16 characters at least; not readable by others")
      ->envname("RIDE_TOKEN_FILE");
  app.add_flag("--insecure", flags.insecure, "Listen outside of loopback though no token is asked for");
  app.add_option("--port-file", flags.port_file, "A file to write the port to, once the master is ready");
  app.add_option("--tick-interval", flags.tick_interval,
                 "Time between two ticks in the log, 10ms to 60s; 1 ms for each process at least")
      ->envname("RIDE_TICK_INTERVAL")
      ->capture_default_str();
  app.add_option("--loss-ticks", flags.loss_ticks,
                 "A process that falls silent is lost after so many ticks at the earliest, a whole node three ticks "
                 "sooner (two at least); "
                 "an irregular one later, and one that its agent sees run not within 5 s")
      ->envname("RIDE_LOSS_TICKS")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  ride::plugin::declare_plugin_flag(app, flags.plugins, "whose tasks topologies may name");
  app.add_option("--snapshot-records", flags.snapshot_records,
                 "After so many records of <prefix>.decisions a snapshot is written and what is before it deleted")
      ->envname("RIDE_SNAPSHOT_RECORDS")
      ->check(CLI::Range(10, 10'000'000))
      ->capture_default_str();
}

ride::Result<ride::master::MasterOptions> options_of(const Flags& flags) {
  ride::master::MasterOptions options;
  RIDE_ASSIGN(auto kafka, flags.kafka->config("ride-master"));
  options.kafka = kafka;
  options.prefix = flags.kafka->prefix();
  options.http = flags.http;
  options.advertised = flags.advertised;
  if (auto http = ride::master::parse_http_address(flags.http); !http.ok())
    return ride::Error{http.error().code, "--http: " + http.error().message};
  if (auto http = ride::master::parse_http_address(flags.advertised); !flags.advertised.empty() && !http.ok())
    return ride::Error{http.error().code, "--advertised-http: " + http.error().message};
  options.host = ride::process::host_name();
  options.http_names = flags.http_names;
  options.insecure = flags.insecure;
  if (!flags.token_file.empty()) {
    RIDE_ASSIGN(auto tokens, ride::read_token_file(flags.token_file));
    options.tokens = std::move(tokens);
  }
  options.rules.ticks_to_loss = flags.loss_ticks;
  options.rules.snapshot_records = flags.snapshot_records;
  const auto interval = ride::check_tick_interval(flags.tick_interval);
  if (!interval.ok())
    return ride::Error{ride::ErrorCode::invalid_argument, "--tick-interval: " + interval.error().message};
  options.rules.tick_interval = *interval;
  if (!flags.plugins.empty()) {
    auto catalog = ride::plugin::catalog_with(ride::tasks::builtin_catalog(), flags.plugins);
    if (!catalog.ok()) return ride::process::wrong_usage(catalog.error());
    options.catalog = std::move(*catalog);
  }
  return options;
}

// Written aside and renamed: who waits for the file never reads half of it.
void write_port(const std::string& file, int port) {
  if (file.empty()) return;
  std::ofstream(file + ".tmp") << port << "\n";
  std::error_code failed;
  std::filesystem::rename(file + ".tmp", file, failed);
  if (failed) ride::log_warning("cannot write {}: {}", file, failed.message());
}

ride::Result<void> run(const Flags& flags) {
  RIDE_ASSIGN(auto options, options_of(flags));
  ride::process::Interrupt interrupt({SIGINT, SIGTERM});
  std::atomic<bool> stop = false;
  auto starting = std::async(std::launch::async, [&] { return ride::master::Master::start(options, stop); });
  while (starting.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    if (interrupt.wait(kLook))
      std::_Exit(0);  // nothing was begun that has to be ended, and Kafka may be slow to answer
  RIDE_ASSIGN(auto master, starting.get());
  write_port(flags.port_file, master->port());
  const auto leader = master->leads() ? std::string() : ", standing by: " + master->leader() + " leads";
  std::printf("master ready on %s%s\n", master->url().c_str(), leader.c_str());
  std::fflush(stdout);
  while (!master->failed() && !interrupt.wait(kLook)) {
  }
  const auto failure = master->failed();
  // librdkafka 2.0.2, for one, asks for the ends of a log without a limit of time when the broker goes away meanwhile.
  ride::process::end_within(kStopWithin, [failure] {
    if (failure) ride::log_error("{}", failure->message);
    ride::log_warning("not stopped within {} s: ends as it is", kStopWithin.count());
    std::_Exit(failure ? ride::kExitFailed : 0);
  });
  master->stop();
  if (failure) return *failure;
  ride::log_info("stopped on request");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return ride::process::run_service(argc, argv,
                                    {.name = "ride-master",
                                     .description = "Decides what runs where: the control plane of RIDE.",
                                     .footer = kFooter,
                                     .declare = [&](CLI::App& app) { declare(app, flags); },
                                     .run = [&](ride::process::Service&) { return run(flags); }});
}
