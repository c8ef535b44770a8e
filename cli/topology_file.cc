#include "cli/topology_file.h"

#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <filesystem>

#include "cli/command.h"
#include "cli/terminal.h"
#include "common/file_text.h"
#include "common/sha256.h"
#include "plugin/describe.h"
#include "plugin/elf_file.h"
#include "topology/plugin_names.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {

namespace {

struct Described {
  NamedPlugin plugin;
  std::vector<TaskDecl> tasks;
};

Result<Described> describe(const std::string& value, const std::stop_token& stop) {
  Described described;
  auto& plugin = described.plugin;
  plugin.value = value;
  std::error_code failed;
  const auto path = std::filesystem::absolute(value, failed);
  plugin.path = failed ? value : path.string();
  RIDE_TRY(plugin::check_file(plugin.path));
  if (std::filesystem::file_size(plugin.path, failed) > plugin::kMostPluginBytes)
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("plug-in {}: it has more than {} bytes", plugin.path, plugin::kMostPluginBytes)};
  plugin.sha256 = sha256_hex(file_text(plugin.path));
  RIDE_ASSIGN(auto whole, plugin::describe_whole(plugin.path, {.stop = stop}));
  plugin.declarations = std::move(whole.json);
  described.tasks = std::move(whole.tasks);
  return described;
}

topology::Diagnostic about_plugin(const std::string& file, const topology::PluginName& name, const Error& why) {
  return {.file = file,
          .line = name.place.line,
          .column = name.place.column,
          .length = name.place.length,
          .message = why.message,
          .fix = {}};
}

}  // namespace

std::vector<std::string> all_plugins(const TopologyFile& file) {
  auto all = file.plugins;
  for (const auto& named : file.named) all.push_back(named.path);
  return all;
}

Result<TopologyFile> load_topology(const std::string& path, const std::vector<std::string>& plugins,
                                   std::stop_token stop) {
  RIDE_ASSIGN(auto catalog, plugin::catalog_with(tasks::builtin_catalog(), plugins, {.stop = stop}));
  RIDE_ASSIGN(auto text, read_named_file(path, {.stop = stop}));
  TopologyFile file{.path = path, .text = std::move(text), .outcome = {}};
  const std::string shown = path == "-" ? "standard input" : path;
  file.plugins = plugin::different_files(plugins);
  for (const auto& name : topology::named_plugins(file.text, process_environment())) {
    auto one = describe(name.file, stop);
    auto with =
        one.ok() ? plugin::catalog_with(catalog, one->tasks, one->plugin.path) : Result<TaskCatalog>(one.error());
    if (!with.ok()) {
      if (with.error().code == ErrorCode::cancelled) return with.error();
      file.outcome.diagnostics = {about_plugin(shown, name, with.error())};
      file.lacks_plugin = true;
      return file;
    }
    catalog = std::move(*with);
    file.named.push_back(std::move(one->plugin));
  }
  file.outcome = topology::parse_topology(file.text, shown, catalog, process_environment());
  return file;
}

ExitCode report_diagnostics(const TopologyFile& file, bool json) {
  const auto& diagnostics = file.outcome.diagnostics;
  if (json) {
    print(topology::render_json(diagnostics) + "\n");
  } else if (!diagnostics.empty()) {
    std::fputs(topology::render(diagnostics, file.text).c_str(), stderr);
  }
  return topology::has_errors(diagnostics) ? ExitCode::usage : ExitCode::ok;
}

CheckedFile checked_topology(const std::string& path, const std::vector<std::string>& plugins, std::stop_token stop) {
  auto file = load_topology(path, plugins, std::move(stop));
  if (!file.ok()) return {std::nullopt, fail(file.error())};
  const ExitCode checked = report_diagnostics(*file, false);
  if (checked != ExitCode::ok) return {std::nullopt, checked};
  return {std::move(*file), ExitCode::ok};
}

}  // namespace ride::cli
