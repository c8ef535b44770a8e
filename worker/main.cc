// ride-worker: runs one stage's task on the partitions that the master gives it. Started by ride-agent, or by hand.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "common/large_buffers.h"
#include "common/log.h"
#include "common/version.h"
#include "stream/kafka/client_flags.h"
#include "worker/worker.h"

namespace {

std::atomic<bool> stop = false;

}  // namespace

int main(int argc, char** argv) {
  ride::keep_large_buffers();
  CLI::App app{
      "ride-worker owns partitions of a stage and runs the stage's task on their frames.\n\n"
      "It needs a running master (ride-master) on the same Kafka cluster, which tells it what to do. Usually ride-agent\n"
      "starts workers; by hand:\n  ride-worker --brokers 127.0.0.1:9092 --name w1"};
  ride::worker::WorkerConfig config;
  ride::kafka::ClientFlags flags(app);
  std::string node;
  app.add_option("--name", config.name, "Name of this worker, kept over restarts")->default_val("worker");
  app.add_option("--node", node, "Name of the node it runs on (default: the host's name)");
  app.set_version_flag("--version", std::string("ride-worker ") + ride::version());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  ride::init_logging("ride-worker");
  auto kafka = flags.config("ride-worker");
  if (!kafka.ok()) {
    std::cerr << "ride-worker: " << kafka.error().message << '\n';
    return 2;
  }
  config.kafka = *kafka;
  config.prefix = flags.prefix();
  config.node = ride::NodeName{node.empty() ? ride::kafka::host_name() : node};
  std::signal(SIGINT, [](int) { stop = true; });
  std::signal(SIGTERM, [](int) { stop = true; });
  std::signal(SIGPIPE, SIG_IGN);
  const auto result = ride::worker::Worker(std::move(config)).run(stop);
  if (!result.ok()) {
    ride::log_error("{}", result.error().message);
    return 1;
  }
  return 0;
}
