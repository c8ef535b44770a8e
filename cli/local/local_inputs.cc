#include "cli/local/local_inputs.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/local/yaml_places.h"
#include "common/environment.h"
#include "common/output_folders.h"
#include "common/task_files.h"
#include "process/proc.h"
#include "producer/sources/directory_source.h"
#include "stream/kafka/client_flags.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

using topology::Diagnostic;
using topology::YamlNode;

// What is wrong and what to do.
struct Finding {
  std::string cause, fix;
  bool for_all = false;  // whoever looks: nothing is there, and no variable leads elsewhere
};

std::string absolute(const std::string& path) {
  std::error_code failed;
  return fs::absolute(path, failed).lexically_normal().string();
}

// The path as it is after all, where it differs from what is written. What variables of this environment put in stays
// hidden.
std::string resolved(const std::string& written, const std::string& path) {
  const auto by_defaults = expand_variables(written, environment_of({}));
  if (has_variables(written) && !(by_defaults.ok() && *by_defaults == path)) return "";
  const auto whole = absolute(path);
  return whole == written ? "" : fmt::format(" ({})", whole);
}

constexpr const char* kElsewhere = "correct the path, or name the node that has it with 'node:'";
std::string fix_for(const std::string& path) {
  std::error_code failed;
  return fs::path(path).is_absolute()
             ? kElsewhere
             : fmt::format("{}; relative paths begin in {}", kElsewhere, fs::current_path(failed).string());
}

std::optional<Finding> look_at_directory(const topology::Source& source, const std::string& path,
                                         const std::string& shown) {
  producer::DirectoryOptions options{.path = path, .shown = shown};
  options.glob = get_string(source.params, "glob");  // every kind that reads a folder of pictures has both
  options.recursive = get_bool(source.params, "recursive");
  const auto pictures = producer::list_pictures(options);
  if (pictures.ok()) return std::nullopt;
  const std::string& text = pictures.error().message;
  const auto end = text.find("; ");
  std::error_code failed;
  const bool there = fs::is_directory(path, failed);
  return Finding{text.substr(0, end), !there || end == std::string::npos ? fix_for(path) : text.substr(end + 2), false};
}

std::optional<Finding> look_at_video(const std::string& path, const std::string& shown) {
  std::error_code failed;
  const auto status = fs::status(path, failed);
  if (status.type() == fs::file_type::not_found)
    return Finding{fmt::format("video '{}' does not exist on this node", shown), fix_for(path), false};
  if (fs::is_directory(status))
    return Finding{fmt::format("video '{}' is a folder", shown),
                   "name the file; for pictures in a folder write 'directory:'", false};
  if (::access(path.c_str(), R_OK) != 0)
    return Finding{fmt::format("video '{}' cannot be read: {}", shown, std::strerror(errno)),
                   "let the user of the producer read it", false};
  if (fs::is_regular_file(status) && fs::file_size(path, failed) == 0 && !failed)
    return Finding{fmt::format("video '{}' is empty", shown), "correct the path, or copy the file again", false};
  return std::nullopt;
}

std::optional<Finding> look_at(const topology::Source& source, bool relative) {
  const bool directory = source.kind->input == SourceInput::picture_folder;
  if (!directory && source.kind->input != SourceInput::file) return std::nullopt;
  if (!source.node.empty() && source.node != process::host_name()) return std::nullopt;
  const auto path = expand_variables(source.uri, process_environment());
  if (!path.ok() || path->find("://") != std::string::npos) return std::nullopt;
  if (!relative && !fs::path(*path).is_absolute()) return std::nullopt;
  const auto shown = source.uri + resolved(source.uri, *path);
  auto found = directory ? look_at_directory(source, *path, shown) : look_at_video(*path, shown);
  if (!found) return std::nullopt;
  std::error_code failed;
  found->cause = fmt::format("source '{}': {}", source.name, found->cause);
  found->for_all = !has_variables(source.uri) && fs::status(*path, failed).type() == fs::file_type::not_found;
  return found;
}

// The nearest folder that is there; what lacks below it is made by the sink.
fs::path existing_above(fs::path folder) {
  std::error_code failed;
  while (!fs::exists(folder, failed) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

std::optional<Finding> look_at_output(const topology::Stage& stage) {
  const auto path = files_template(tasks::builtin_catalog().find(stage.task), stage.params);
  if (path.empty()) return std::nullopt;
  const fs::path folder = absolute(fixed_folder_of(path));
  const auto there = existing_above(folder);
  std::error_code failed;
  if (!fs::is_directory(there, failed))
    return Finding{fmt::format("sink '{}' writes into {}, but {} is a file, not a folder", stage.name, folder.string(),
                               there.string()),
                   "write into another folder, or move the file away", false};
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    return Finding{fmt::format("sink '{}' writes into {}, but {} may not be written: {}", stage.name, folder.string(),
                               there.string(), std::strerror(errno)),
                   "write into another folder, or let this user write there", false};
  return std::nullopt;
}

class Findings {
 public:
  // Without a severity: as each finding is one for all or not.
  Findings(const TopologyFile& file, std::optional<topology::Severity> severity)
      : file_(file), severity_(severity), yaml_(topology::read_yaml(file.text)) {}

  const YamlNode* root() const { return yaml_.root.get(); }
  void add(const YamlNode* at, Finding finding) {
    const auto place = at == nullptr ? topology::SourceLocation{} : at->place;
    all_.push_back(
        {.file = file_.path == "-" ? "standard input" : file_.path,
         .line = place.line,
         .column = place.column,
         .length = place.length,
         .message = std::move(finding.cause),
         .fix = std::move(finding.fix),
         .severity = severity_.value_or(finding.for_all ? topology::Severity::error : topology::Severity::warning)});
  }
  std::vector<Diagnostic> take() {
    topology::sort_diagnostics(all_);
    return std::move(all_);
  }

 private:
  const TopologyFile& file_;
  std::optional<topology::Severity> severity_;
  topology::YamlOutcome yaml_;
  std::vector<Diagnostic> all_;
};

void add_sources(const TopologyFile& file, bool relative, Findings& findings) {
  for (const auto& source : file.topology().sources()) {
    auto found = look_at(source, relative);
    if (found)
      findings.add(child_of(child_of(child_of(findings.root(), "sources"), source.name), source.kind->name),
                   std::move(*found));
  }
}

}  // namespace

std::vector<Diagnostic> missing_inputs(const TopologyFile& file, topology::Severity severity) {
  Findings findings(file, severity);
  add_sources(file, true, findings);
  for (const auto& stage : file.topology().stages())
    if (auto found = look_at_output(stage))
      findings.add(child_of(child_of(stage_named(findings.root(), stage.name), "params"), "path"), std::move(*found));
  return findings.take();
}

std::vector<Diagnostic> missing_sources(const TopologyFile& file, bool relative) {
  Findings findings(file, std::nullopt);
  add_sources(file, relative, findings);
  return findings.take();
}

}  // namespace ride::cli
