#include "worker/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "common/environment.h"
#include "common/label.h"
#include "common/large_buffers.h"
#include "common/written_line.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "plugin/plugin_tasks.h"
#include "process/proc.h"
#include "process/service.h"
#include "process/whole_file.h"
#include "stream/kafka/client_flags.h"
#include "worker/tasks/output_place.h"
#include "worker/tasks/written_log.h"
#include "worker/worker.h"

namespace ride::worker {
namespace {

constexpr const char* kDescription =
    "ride-worker owns partitions of a stage and runs the stage's task on their frames.\n\n"
    "It needs a running master (ride-master) on the same Kafka cluster, which assigns its work. Usually "
    "ride-agent\n"
    "starts workers; by hand:\n  ride-worker --brokers 127.0.0.1:9092 --name w1";

struct Flags {
  std::optional<kafka::ClientFlags> kafka;
  std::string name, node, metrics, artifacts, described, describe_to;
  std::vector<std::string> outputs, labels, plugins, permits;
};

void declare(CLI::App& app, Flags& flags) {
  flags.kafka.emplace(app);
  app.add_option("--name", flags.name, "Name of this worker, kept over restarts")->default_val("worker");
  app.add_option("--node", flags.node, "Name of the node it runs on (default: the host's name)");
  app.add_option("--metrics,--http", flags.metrics,
                 "Serve /metrics here, host:port; port 0 takes a free one (default: not served)");
  app.add_option(
      "--output", flags.outputs,
      "Folder where sinks may write, and nowhere else; repeatable. Relative paths of sinks begin in the first\n"
      "(default: the working folder)");
  app.add_option("--artifacts", flags.artifacts,
                 "Folder where files that jobs bring along are kept, shared by the workers of this node\n"
                 "(default: $XDG_CACHE_HOME/ride/artifacts, else ~/.cache/ride/artifacts)")
      ->envname("RIDE_ARTIFACTS")
      ->type_name("DIR");
  app.add_option("--label", flags.labels,
                 "NAME=VALUE that a group's `labels` may ask for, for example site=north; repeatable")
      ->type_name("NAME=VALUE");
  plugin::declare_plugin_flag(app, flags.plugins, "whose tasks it can run");
  plugin::declare_permit_flag(app, flags.permits);
  app.add_option("--describe-plugin", flags.described,
                 "Print what the tasks of a plug-in declare, as JSON, and end; no Kafka is needed")
      ->type_name("FILE");
  app.add_option("--describe-to", flags.describe_to, "With --describe-plugin: write it, or what is wrong, to this file")
      ->type_name("FILE");
}

// For programs that run no code of plug-ins themselves (plugin/describe.h).
Result<void> describe(const Flags& flags) {
  const auto text = plugin::describe_here(flags.described);
  if (!flags.describe_to.empty()) {
    RIDE_TRY(process::write_whole_file(flags.describe_to, text.ok() ? *text : plugin::refusal_to_json(text.error())));
  } else {
    if (!text.ok()) return process::wrong_usage(text.error());
    std::fputs(text->c_str(), stdout);
    std::fflush(stdout);
  }
  std::_Exit(0);  // what was asked for is said: a plug-in's destructors have no say in it
}

Result<void> run(process::Service& service, const Flags& flags, tasks::TaskRegistry registry) {
  if (!flags.described.empty()) return describe(flags);
  auto loaded = plugin::with_plugins(std::move(registry), flags.plugins);
  if (!loaded.ok()) return process::wrong_usage(loaded.error());
  WorkerConfig config;
  auto labels = parse_labels(flags.labels);
  if (!labels.ok()) return process::wrong_usage(labels.error());
  auto permit = PluginPermit::parse(flags.permits);
  if (!permit.ok()) return process::wrong_usage(permit.error());
  auto kafka = flags.kafka->config("ride-worker");
  if (!kafka.ok()) return process::wrong_usage(kafka.error());
  config.name = flags.name;
  config.artifacts = flags.artifacts;
  config.labels = std::move(*labels);
  config.labels.erase(kPluginLabel);
  if (auto label = permit->label(); !label.empty()) config.labels[kPluginLabel] = std::move(label);
  config.plugins = std::move(*permit);
  config.kafka = *kafka;
  config.prefix = flags.kafka->prefix();
  config.registry = std::move(*loaded);
  tasks::confine_outputs(flags.outputs.empty() ? std::vector<std::string>{"."} : flags.outputs);
  tasks::keep_written_logs(process_environment()(kRecipeVariable).value_or(""));
  config.node = NodeName{flags.node.empty() ? process::host_name() : flags.node};
  const auto& stop = service.stop();
  config.give_up = [&service](const Error& why) { service.give_up(why); };
  Worker worker(std::move(config));
  const auto page = service.serve(flags.metrics, [&worker] { return worker.metrics(); });
  if (!page.ok()) return process::wrong_usage(page.error());
  if (*page) worker.set_http((*page)->address());
  const auto result = worker.run(stop);
  if (!result.ok()) service.give_up(result.error());
  return {};
}

}  // namespace

int run_program(int argc, char** argv, tasks::TaskRegistry registry) {
  keep_large_buffers();
  Flags flags;
  return process::run_service(
      argc, argv,
      {.name = "ride-worker",
       .description = kDescription,
       .declare = [&](CLI::App& app) { declare(app, flags); },
       .run = [&](process::Service& service) { return run(service, flags, std::move(registry)); }});
}

}  // namespace ride::worker
