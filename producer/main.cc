// ride-producer: reads the sources that the master gives it and sends their frames to Kafka. Started by ride-agent, or
// by hand.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <optional>

#include "common/large_buffers.h"
#include "common/setting_checks.h"
#include "process/proc.h"
#include "process/service.h"
#include "producer/producer.h"
#include "producer/producer_metrics.h"
#include "producer/sources/ffmpeg_setup.h"
#include "producer/sources/live_source.h"
#include "stream/kafka/client_flags.h"

namespace {

constexpr const char* kDescription =
    "ride-producer reads cameras, network streams, videos, folders of pictures, made-up scenes and Kafka topics, and "
    "sends\n"
    "their frames into the topics of a job.\n\n"
    "It needs a running master (ride-master) on the same Kafka cluster, which assigns what it reads. Usually "
    "ride-agent\n"
    "starts producers; by hand:\n  ride-producer --brokers 127.0.0.1:9092 --name p1";

struct Flags {
  std::optional<ride::kafka::ClientFlags> kafka;
  std::string name, node, memory, metrics;
};

void declare(CLI::App& app, Flags& flags) {
  flags.kafka.emplace(app);
  app.add_option("--name", flags.name, "Name of this producer, kept over restarts")->default_val("producer");
  app.add_option("--node", flags.node, "Name of the node it runs on (default: the host's name)");
  app.add_option("--memory", flags.memory, "Memory for frames on their way to Kafka, all sources together")
      ->default_val("256MiB");
  app.add_option("--metrics", flags.metrics,
                 "Serve /metrics here, host:port; port 0 takes a free one (default: not served)");
}

ride::Result<ride::producer::ProducerConfig> config_of(const Flags& flags) {
  const auto wrong_usage = ride::process::wrong_usage;
  ride::producer::ProducerConfig config;
  auto kafka = flags.kafka->config("ride-producer");
  if (!kafka.ok()) return wrong_usage(kafka.error());
  const auto budget = ride::size_between(flags.memory, {1LL << 20}, {1LL << 40});
  if (!budget.ok()) return wrong_usage({budget.error().code, "--memory: " + budget.error().message});
  config.kafka = *kafka;
  config.prefix = flags.kafka->prefix();
  config.name = flags.name;
  config.node = ride::NodeName{flags.node.empty() ? ride::process::host_name() : flags.node};
  config.memory_bytes = *budget;
  return config;
}

ride::Result<void> run(ride::process::Service& service, const Flags& flags) {
  RIDE_ASSIGN(auto config, config_of(flags));
  const auto& stop = service.stop();
  ride::producer::prepare_video_capture();
  config.give_up = [&service](const ride::Error& why) { service.give_up(why); };
  ride::Result<void> result;
  {
    ride::producer::Producer producer(std::move(config), ride::process_environment());
    const auto page = service.serve(flags.metrics, [&producer] {
      return ride::producer::metrics_text(producer.progress(), producer.held_bytes(), producer.refused_decisions());
    });
    if (!page.ok()) return ride::process::wrong_usage(page.error());
    if (*page) producer.set_http((*page)->address());
    result = producer.run(stop);
  }
  if (!result.ok()) service.give_up(result.error());
  // A capture that hangs in a driver or in FFmpeg may still use their static objects: those stay.
  if (ride::producer::abandoned_captures() > 0) std::_Exit(0);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  ride::keep_large_buffers();
  Flags flags;
  return ride::process::run_service(argc, argv,
                                    {.name = "ride-producer",
                                     .description = kDescription,
                                     .declare = [&](CLI::App& app) { declare(app, flags); },
                                     .run = [&](ride::process::Service& service) { return run(service, flags); }});
}
