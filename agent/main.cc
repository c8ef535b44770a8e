// ride-agent: flags in, agent::run(), exit code out.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "agent/agent.h"
#include "common/label.h"
#include "common/output_folders.h"
#include "common/plugin_permit.h"
#include "common/setting_checks.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "process/proc.h"
#include "process/service.h"
#include "stream/kafka/client_flags.h"
#include "worker/tasks/builtin_catalog.h"

namespace {

constexpr const char* kFooter = R"(
Examples:
  ride-agent --brokers localhost:9092 --slots 4 --output /srv/pictures
  ride-agent --brokers kafka1:9093,kafka2:9093 --slots 8 --node gatehouse --log-dir /var/log/ride \
             --kafka-config /etc/ride/kafka.conf
  ride-agent --brokers kafka1:9093 --kafka-config agent.conf --worker-kafka-config worker.conf \
             --producer-kafka-config producer.conf      each with a user of its own (ride acls)

The programs ride-worker and ride-producer are started from the folder where ride-agent is. Ctrl-C or SIGTERM ends them
in order (5 s, then they are killed); a second one ends them at once.

Exit codes: 0 stopped on request, 1 failed, 2 wrong usage.)";

bool is_name(const std::string& text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                              std::string::npos;
}

struct Flags {
  std::optional<ride::kafka::ClientFlags> kafka;
  ride::agent::Options options;
  std::string worker_file, producer_file;  // of the children, where theirs differ from the agent's
};

void declare(CLI::App& app, Flags& flags) {
  auto& options = flags.options;
  flags.kafka.emplace(app);
  app.add_option("--slots", options.slots, "Workers to keep running")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--producers", options.producers, "Producers to keep running")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--worker-cores", options.worker_cores, "Cores of its own for each worker (default: all share all)")
      ->check(CLI::Range(1, 4096));
  app.add_option_function<std::string>(
         "--worker-memory",
         [&options](const std::string& text) {
           const auto size = ride::size_between(text, {16LL << 20}, {64LL << 40});
           if (!size.ok()) throw CLI::ValidationError("--worker-memory", size.error().message);
           options.worker_memory = *size;
         },
         "Memory that a worker may have, for example 2GiB; above it the agent ends it and says so\n"
         "(default: four fifths of the node's; a stage's `group: {memory: ...}` counts as well)")
      ->type_name("SIZE");
  app.add_option("--gpus", options.gpus,
                 "GPUs that workers see, one each in turn: 0,1 (default: all that the agent sees)")
      ->delimiter(',');
  app.add_option_function<std::string>(
         "--metrics-host",
         [&options](const std::string& host) { options.metrics_host = host == "none" ? std::string() : host; },
         "Where children serve /metrics, on free ports that the API shows; none: they do not (default: 127.0.0.1)")
      ->type_name("HOST");
  app.add_option("--node", options.node.value, "Name of this node in the cluster (default: the host's name)")
      ->envname("RIDE_NODE");
  app.add_option(
         "--output", options.output_folders,
         "Folder where sinks of this node's workers may write, and nowhere else; repeatable. Relative paths of sinks\n"
         "begin in the first (default: the working folder)")
      ->type_name("DIR");
  app.add_option("--artifacts", options.artifacts_folder,
                 "Folder where this node's workers keep files that jobs bring along\n"
                 "(default: $XDG_CACHE_HOME/ride/artifacts, else ~/.cache/ride/artifacts)")
      ->envname("RIDE_ARTIFACTS")
      ->type_name("DIR");
  app.add_option(
         "--label", options.labels,
         "NAME=VALUE of this node's workers, which a group's `labels` may ask for, for example site=north; repeatable")
      ->type_name("NAME=VALUE");
  ride::plugin::declare_plugin_flag(app, options.plugins, "that this node's workers load");
  ride::plugin::declare_permit_flag(app, options.permits);
  app.add_option("--log-dir", options.log_folder,
                 "Folder for the children's logs, two files of 8 MiB each at most (default: standard error)");
  app.add_option("--bin-dir", options.bin_folder,
                 "Folder of ride-worker and ride-producer (default: beside ride-agent)");
  app.add_option("--worker-kafka-config", flags.worker_file,
                 "--kafka-config of the workers, who then have a user of their own (default: the agent's)")
      ->envname("RIDE_WORKER_KAFKA_CONFIG");
  app.add_option("--producer-kafka-config", flags.producer_file,
                 "--kafka-config of the producers (default: the agent's)")
      ->envname("RIDE_PRODUCER_KAFKA_CONFIG");
}

// A worker that cannot load one would be started again and again, too.
ride::Result<void> check_plugins(ride::agent::Options& options) {
  if (options.plugins.empty()) return {};
  options.plugins = ride::plugin::different_files(options.plugins);
  const auto worker = options.bin_folder.empty() ? options.bin_folder : options.bin_folder / "ride-worker";
  const auto all = ride::plugin::catalog_with(ride::tasks::builtin_catalog(), options.plugins, {.worker = worker});
  return all.ok() ? ride::Result<void>() : ride::process::wrong_usage(all.error());
}

// A child that cannot read its file would be started again and again: better known now.
ride::Result<void> check_readable(const char* flag, const std::string& file) {
  if (file.empty() || access(file.c_str(), R_OK) == 0) return {};
  return ride::Error{ride::ErrorCode::invalid_argument, fmt::format("cannot read {} ({})", file, flag)};
}

ride::Result<void> run(Flags& flags) {
  auto& options = flags.options;
  if (options.node.value.empty()) options.node.value = ride::process::host_name();
  if (!is_name(options.node.value)) {
    return ride::Error{
        ride::ErrorCode::invalid_argument,
        fmt::format("the node name '{}' has other characters than letters, digits, '.', '_' and '-'; name the "
                    "node with --node",
                    options.node.value)};
  }
  RIDE_ASSIGN([[maybe_unused]] const auto labels, ride::parse_labels(options.labels));
  if (const auto permit = ride::PluginPermit::parse(options.permits); !permit.ok())
    return ride::process::wrong_usage(permit.error());
  RIDE_TRY(check_plugins(options));
  std::error_code failed;
  const std::string here = std::filesystem::current_path(failed).string();
  if (options.output_folders.empty()) options.output_folders = {here};
  for (auto& folder : options.output_folders) folder = ride::plain_folder(folder, here);
  if (!options.artifacts_folder.empty()) options.artifacts_folder = ride::plain_folder(options.artifacts_folder, here);
  RIDE_ASSIGN(auto kafka, flags.kafka->config("ride-agent-" + options.node.value));
  options.kafka = kafka;
  options.prefix = flags.kafka->prefix();
  for (const auto& [flag, file] :
       {std::pair{"--worker-kafka-config", flags.worker_file}, {"--producer-kafka-config", flags.producer_file}})
    RIDE_TRY(check_readable(flag, file));
  options.worker_kafka_arguments = flags.kafka->arguments(flags.worker_file);
  options.producer_kafka_arguments = flags.kafka->arguments(flags.producer_file);
  return ride::agent::run(options);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return ride::process::run_service(
      argc, argv,
      {.name = "ride-agent",
       .description = "Starts, watches and restarts the workers and producers of this node, and reports its resources.",
       .footer = kFooter,
       .declare = [&](CLI::App& app) { declare(app, flags); },
       .run = [&](ride::process::Service&) { return run(flags); }});
}
