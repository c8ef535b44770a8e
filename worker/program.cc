#include "worker/program.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "common/command_line.h"
#include "common/label.h"
#include "common/large_buffers.h"
#include "common/log.h"
#include "common/metrics_page.h"
#include "common/start_again.h"
#include "common/version.h"
#include "stream/kafka/client_flags.h"
#include "worker/tasks/output_place.h"
#include "worker/worker.h"

namespace ride::worker {

namespace {

std::atomic<bool> stop = false;

}  // namespace

int run_program(int argc, char** argv, tasks::TaskRegistry registry) {
  StartAgain again(argv);
  keep_large_buffers();
  CLI::App app{
      "ride-worker owns partitions of a stage and runs the stage's task on their frames.\n\n"
      "It needs a running master (ride-master) on the same Kafka cluster, which tells it what to do. Usually "
      "ride-agent\n"
      "starts workers; by hand:\n  ride-worker --brokers 127.0.0.1:9092 --name w1"};
  WorkerConfig config;
  kafka::ClientFlags flags(app);
  std::string node, metrics;
  app.add_option("--name", config.name, "Name of this worker, kept over restarts")->default_val("worker");
  app.add_option("--node", node, "Name of the node it runs on (default: the host's name)");
  app.add_option("--metrics,--http", metrics,
                 "Serve /metrics here, host:port; port 0 takes a free one (default: not served)");
  std::vector<std::string> outputs;
  app.add_option(
      "--output", outputs,
      "Folder where sinks may write, and nowhere else; repeatable. Relative paths of sinks begin in the first\n"
      "(default: the working folder)");
  std::vector<std::string> labels;
  app.add_option("--label", labels,
                 "NAME=VALUE that a group's `labels` may ask for, for example site=north; repeatable")
      ->type_name("NAME=VALUE");
  app.set_version_flag("--version", std::string("ride-worker ") + version());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ride::end_command_line(app, error);
  }
  init_logging("ride-worker");
  auto parsed_labels = parse_labels(labels);
  if (!parsed_labels.ok()) {
    std::cerr << "ride-worker: " << parsed_labels.error().message << '\n';
    return 2;
  }
  config.labels = std::move(*parsed_labels);
  auto kafka = flags.config("ride-worker");
  if (!kafka.ok()) {
    std::cerr << "ride-worker: " << kafka.error().message << '\n';
    return 2;
  }
  config.kafka = *kafka;
  config.prefix = flags.prefix();
  config.registry = std::move(registry);
  tasks::confine_outputs(outputs.empty() ? std::vector<std::string>{"."} : outputs);
  config.node = NodeName{node.empty() ? kafka::host_name() : node};
  std::signal(SIGINT, [](int) { stop = true; });
  std::signal(SIGTERM, [](int) { stop = true; });
  std::signal(SIGPIPE, SIG_IGN);
  const auto end = [&again](const Error& why) {
    if (why.retriable) again.now(stop, why.code == ErrorCode::cancelled ? kExitStartAgain : kExitFailed);
    std::_Exit(kExitFailed);
  };
  config.give_up = end;
  Worker worker(std::move(config));
  std::unique_ptr<MetricsPage> page;
  if (!metrics.empty()) {
    auto served = serve_metrics(metrics, [&worker] { return worker.metrics(); });
    if (!served.ok()) {
      std::cerr << "ride-worker: " << served.error().message << '\n';
      return 2;
    }
    page = std::move(served).value();
    worker.set_http(page->address());
    log_info("metrics at http://{}/metrics", page->address());
  }
  const auto result = worker.run(stop);
  if (!result.ok()) end(result.error());
  return 0;
}

}  // namespace ride::worker
