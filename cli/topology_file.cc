#include "cli/topology_file.h"

#include <spdlog/fmt/fmt.h>

#include <cstdio>

#include "cli/command.h"
#include "cli/terminal.h"
#include "common/file_text.h"
#include "plugin/describe.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {

Result<TopologyFile> load_topology(const std::string& path, const std::vector<std::string>& plugins,
                                   std::stop_token stop) {
  RIDE_ASSIGN(const auto catalog, plugin::catalog_with(tasks::builtin_catalog(), plugins, {.stop = stop}));
  RIDE_ASSIGN(auto text, read_named_file(path, {.stop = std::move(stop)}));
  TopologyFile file{.path = path, .text = std::move(text), .outcome = {}};
  file.outcome =
      topology::parse_topology(file.text, path == "-" ? "standard input" : path, catalog, process_environment());
  file.plugins = plugin::different_files(plugins);
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
