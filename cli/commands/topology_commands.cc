// ride validate, plan, graph, schema: what can be said about a topology file without running it.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/kafka_settings.h"
#include "cli/local/local_inputs.h"
#include "cli/python_scripts.h"
#include "cli/terminal.h"
#include "cli/topology_file.h"
#include "common/json.h"
#include "common/wording.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "stream/kafka/admin.h"
#include "topology/graph.h"
#include "topology/schema.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

struct FileFlags {
  std::string file;
  bool json = false;
  std::vector<std::string> plugins;
  SettingFlags settings;
};

std::string workers_text(const topology::Topology& topology) {
  int min = 0, max = 0, spares = 0;
  for (const auto& stage : topology.stages()) {
    min += stage.group.min;
    max += stage.group.max;
    spares += stage.group.spares;
  }
  std::string text = min == max ? counted(min, "worker") : fmt::format("{} to {} workers", min, max);
  if (spares > 0) text += " and " + counted(spares, "spare");
  return text;
}

ExitCode validate(const FileFlags& flags) {
  auto file = load_topology(flags.file, flags.plugins);
  if (!file.ok()) return fail(file.error());
  if (file->valid()) {  // notes: the file may be meant for another machine
    auto missing = missing_inputs(*file, topology::Severity::warning);
    auto& all = file->outcome.diagnostics;
    all.insert(all.end(), missing.begin(), missing.end());
    const auto scripts = script_problems(*file);
    all.insert(all.end(), scripts.begin(), scripts.end());
  }
  const ExitCode code = report_diagnostics(*file, flags.json);
  if (code == ExitCode::ok && !flags.json) {
    const auto& topology = file->topology();
    print(fmt::format("{}: job '{}' is valid: {}, {}, {}; it {}\n", flags.file, topology.name(),
                      counted(topology.sources().size(), "source"),
                      counted(topology.stages().size(), "stage or sink", "stages and sinks"), workers_text(topology),
                      topology.finite() ? "ends with its input" : "runs until it is stopped"));
  }
  return code;
}

// Without a cluster: one broker is assumed, and nothing is said about what is there.
Result<topology::ClusterFacts> cluster_facts(const Settings& settings) {
  RIDE_ASSIGN(auto config, kafka_config(settings));
  topology::ClusterFacts facts;
  facts.max_message_bytes = config.max_message_bytes;
  if (settings.is_default("brokers")) return facts;
  RIDE_ASSIGN(auto admin, kafka::open_admin(config));
  RIDE_ASSIGN(const auto brokers, admin->broker_count());
  RIDE_ASSIGN(const auto topics, admin->topics());
  facts.brokers = brokers;
  facts.topics.emplace();
  for (const auto& topic : topics) (*facts.topics)[topic.name] = topic.partitions;
  return facts;
}

ExitCode plan(const FileFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto checked = checked_topology(flags.file, flags.plugins);
  if (!checked.file) return checked.failure;
  const auto facts = cluster_facts(*settings);
  if (!facts.ok()) return fail(facts.error());
  const auto made = topology::make_plan(checked.file->topology(), RunNumber{1}, settings->text("prefix"), *facts);
  if (!made.ok()) return fail(made.error());
  if (flags.json) {
    print(topology::plan_to_json(*made, facts->topics).dump(2) + "\n");
  } else {
    print(topology::render_plan(*made, facts->topics));
    if (!facts->topics) print("\nno cluster was asked: name one with --brokers to see what would be created there\n");
  }
  if (!facts->topics) return ExitCode::ok;
  const auto fits = topology::check(topology::diff(*facts->topics, *made));
  if (fits.ok()) return ExitCode::ok;
  print_error(fits.error().message);
  return ExitCode::failed;
}

ExitCode graph(const FileFlags& flags) {
  const auto checked = checked_topology(flags.file, flags.plugins);
  if (!checked.file) return checked.failure;
  const auto made = topology::make_plan(checked.file->topology(), RunNumber{1}, "ride", {});
  if (!made.ok()) return fail(made.error());
  print(topology::to_dot(*made));
  return ExitCode::ok;
}

// With the tasks of plug-ins.
ExitCode schema(const FileFlags& flags) {
  const auto catalog = plugin::catalog_with(tasks::builtin_catalog(), flags.plugins);
  if (!catalog.ok()) return fail(catalog.error());
  print(topology::topology_schema(*catalog).dump(2) + "\n");
  return ExitCode::ok;
}

void add_file(CLI::App& command, FileFlags& flags) {
  command.add_option("FILE", flags.file, "Topology file (YAML); - is standard input")->required();
  plugin::declare_plugin_flag(command, flags.plugins, "whose tasks stages may name");
}

}  // namespace

void add_topology_commands(Program& program) {
  constexpr const char* kGroup = "Topology files";
  auto flags = std::make_shared<FileFlags>();
  auto* command = &program.add(kGroup, "validate", "Check a topology file: what is wrong, where, and how to fix it",
                               "  ride validate street.yaml          errors with line, column and fix; exit code 2\n"
                               "  ride validate street.yaml --json   the same as a list, for editors and CI",
                               [flags] { return validate(*flags); });
  add_file(*command, *flags);
  add_json_flag(*command, flags->json);

  flags = std::make_shared<FileFlags>();
  command =
      &program.add(kGroup, "plan", "Show what a topology needs: topics, partitions, workers, MB/s, disk",
                   "  ride plan street.yaml                             without a cluster\n"
                   "  ride plan street.yaml --brokers localhost:9092    also what would be created, what conflicts\n"
                   "  ride plan street.yaml --json | jq .topics",
                   [flags] { return plan(*flags); });
  add_file(*command, *flags);
  flags->settings.declare(*command, {"brokers", "prefix", "kafka-config", "max-message-bytes"});
  add_json_flag(*command, flags->json);

  flags = std::make_shared<FileFlags>();
  command = &program.add(kGroup, "graph", "Draw a topology as Graphviz DOT",
                         "  ride graph street.yaml | dot -Tsvg > street.svg", [flags] { return graph(*flags); });
  add_file(*command, *flags);

  flags = std::make_shared<FileFlags>();
  command = &program.add(kGroup, "schema", "Print the JSON Schema of topology files, for editors",
                         "  ride schema > ride.schema.json    then, as the file's first line:\n"
                         "                                    # yaml-language-server: $schema=./ride.schema.json",
                         [flags] { return schema(*flags); });
  plugin::declare_plugin_flag(*command, flags->plugins, "whose tasks stages may name");
}

}  // namespace ride::cli
