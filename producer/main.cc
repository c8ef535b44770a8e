// ride-producer: reads the sources that the master gives it and sends their frames to Kafka. Started by ride-agent, or
// by hand.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "common/command_line.h"
#include "common/large_buffers.h"
#include "common/log.h"
#include "common/metrics_page.h"
#include "common/run_main.h"
#include "common/setting_checks.h"
#include "common/start_again.h"
#include "common/version.h"
#include "producer/producer.h"
#include "producer/producer_metrics.h"
#include "producer/sources/ffmpeg_setup.h"
#include "producer/sources/live_source.h"
#include "stream/kafka/client_flags.h"

namespace {

std::atomic<bool> stop = false;

int run_program(int argc, char** argv) {
  ride::StartAgain again(argv);
  ride::keep_large_buffers();
  CLI::App app{
      "ride-producer reads cameras, network streams, videos, folders of pictures, made-up scenes and Kafka topics, and "
      "sends\n"
      "their frames into the topics of a job.\n\n"
      "It needs a running master (ride-master) on the same Kafka cluster, which tells it what to read. Usually "
      "ride-agent\n"
      "starts producers; by hand:\n  ride-producer --brokers 127.0.0.1:9092 --name p1"};
  ride::producer::ProducerConfig config;
  ride::kafka::ClientFlags flags(app);
  std::string node, memory, metrics;
  app.add_option("--name", config.name, "Name of this producer, kept over restarts")->default_val("producer");
  app.add_option("--node", node, "Name of the node it runs on (default: the host's name)");
  app.add_option("--memory", memory, "Memory for frames on their way to Kafka, all sources together")
      ->default_val("256MiB");
  app.add_option("--metrics", metrics, "Serve /metrics here, host:port; port 0 takes a free one (default: not served)");
  app.set_version_flag("--version", std::string("ride-producer ") + ride::version());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ride::end_command_line(app, error);
  }
  ride::init_logging("ride-producer");
  auto kafka = flags.config("ride-producer");
  const auto budget = ride::size_between(memory, {1LL << 20}, {1LL << 40});
  if (!kafka || !budget) {
    std::cerr << "ride-producer: " << (!kafka ? kafka.error().message : "--memory: " + budget.error().message) << '\n';
    return 2;
  }
  config.kafka = *kafka;
  config.prefix = flags.prefix();
  config.node = ride::NodeName{node.empty() ? ride::kafka::host_name() : node};
  config.memory_bytes = *budget;
  std::signal(SIGINT, [](int) { stop = true; });
  std::signal(SIGTERM, [](int) { stop = true; });
  std::signal(SIGPIPE, SIG_IGN);
  ride::producer::prepare_video_capture();

  const auto end = [&again](const ride::Error& why) {
    if (why.retriable)
      again.now(stop, why.code == ride::ErrorCode::cancelled ? ride::kExitStartAgain : ride::kExitFailed);
    std::_Exit(ride::kExitFailed);
  };
  config.give_up = end;
  ride::Result<void> result;
  {
    ride::producer::Producer producer(std::move(config), ride::process_environment());
    std::unique_ptr<ride::MetricsPage> page;
    if (!metrics.empty()) {
      auto served = ride::serve_metrics(metrics, [&producer] {
        return ride::producer::metrics_text(producer.progress(), producer.held_bytes(), producer.refused_decisions());
      });
      if (!served) {
        std::cerr << "ride-producer: " << served.error().message << '\n';
        return 2;
      }
      page = std::move(*served);
      producer.set_http(page->address());
      ride::log_info("metrics at http://{}/metrics", page->address());
    }
    result = producer.run(stop);
  }
  if (!result) end(result.error());
  // A capture that hangs in a driver or in FFmpeg may still use their static objects: those stay.
  if (ride::producer::abandoned_captures() > 0) std::_Exit(0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return ride::run_main("ride-producer", [&] { return run_program(argc, argv); });
}
