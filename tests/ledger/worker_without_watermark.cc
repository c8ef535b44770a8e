// ride-worker with its watermark switched off: what was written again after a failure is taken as new. A program of the
// tests alone, so that no installed worker can be made to do so; ride-agent starts it by its name in a folder of the
// test's.
#include <CLI/CLI.hpp>
#include <csignal>

#include "common/command_line.h"
#include "common/log.h"
#include "stream/kafka/client_flags.h"
#include "worker/worker.h"

namespace {
std::atomic<bool> stop = false;
}

int main(int argc, char** argv) {
  CLI::App app{"A worker that counts frames twice after a failure."};
  ride::worker::WorkerConfig config;
  ride::kafka::ClientFlags flags(app);
  std::string node;
  app.add_option("--name", config.name);
  app.add_option("--node", node);
  app.allow_extras();  // what an agent passes to the workers of the product besides
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ride::end_command_line(app, error);
  }
  ride::init_logging("ride-worker");
  auto kafka = flags.config("ride-worker");
  if (!kafka.ok()) return 2;
  config.kafka = *kafka;
  config.prefix = flags.prefix();
  config.node = ride::NodeName{node};
  config.drop_duplicates = false;
  std::signal(SIGTERM, [](int) { stop = true; });
  return ride::worker::Worker(std::move(config)).run(stop).ok() ? 0 : 1;
}
