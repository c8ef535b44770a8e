#include "cli/python_scripts.h"

#include <spdlog/fmt/fmt.h>

#include <filesystem>

#include "cli/local/yaml_places.h"
#include "worker/python/script_facts.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

using python::ScriptProblem;
using topology::Diagnostic;
using topology::Severity;

constexpr std::uintmax_t kLargest = std::uintmax_t{1} << 20;  // that is looked at

std::string fix_of(const std::string& param, const std::string& file) {
  if (param == "values") return fmt::format("correct it; 'ride tasks {}' lists what it declares", file);
  if (param == "class") return "name a class of the file with the parameter 'class'";
  return "correct the file";
}

struct Found {
  std::vector<ScriptProblem> problems;
  Severity severity = Severity::error;
};

// By the Python that the stage names where it is one of PATH: who looks at somebody's topology runs no program that it
// names by a path. Else by what is here, whose word counts less.
Found look_at(const topology::Stage& stage, const std::string& script) {
  python::ScriptQuestion question{.file = script,
                                  .interpreter = get_string(stage.params, "python"),
                                  .class_name = get_string(stage.params, "class"),
                                  .values = nlohmann::json::parse(get_string(stage.params, "values"), nullptr, false)};
  bool another = question.interpreter.find('/') != std::string::npos || question.interpreter.starts_with('.');
  auto facts = another ? Result<python::ScriptFacts>(Error{ErrorCode::not_found, "it is not run here"})
                       : python::look_at_script(question);
  another = another || (!facts.ok() && facts.error().code == ErrorCode::not_found);
  if (another) {
    question.interpreter = "python3";
    facts = python::look_at_script(question);
  }
  if (facts.ok()) return {std::move(facts->problems), another ? Severity::warning : Severity::error};
  if (facts.error().code == ErrorCode::not_found) return {};
  return {{{"file", facts.error().message}}, Severity::warning};
}

bool is_here(const std::string& path) {
  std::error_code failed;
  return fs::is_regular_file(path, failed) && fs::file_size(path, failed) <= kLargest && !failed;
}

}  // namespace

std::vector<Diagnostic> script_problems(const TopologyFile& file) {
  std::vector<Diagnostic> all;
  const auto yaml = topology::read_yaml(file.text);
  for (const auto& stage : file.topology().stages()) {
    if (stage.task != "python") continue;
    const auto script = get_string(stage.params, "file");
    if (script.starts_with(kNodePrefix) || !is_here(script)) continue;
    const auto found = look_at(stage, script);
    for (const auto& problem : found.problems) {
      const auto* at = stage_named(yaml.root.get(), stage.name);
      if (const auto* written = child_of(child_of(at, "params"), problem.param)) at = written;
      const auto place = at == nullptr ? topology::SourceLocation{} : at->place;
      all.push_back({.file = file.path == "-" ? "standard input" : file.path,
                     .line = place.line,
                     .column = place.column,
                     .length = place.length,
                     .message = fmt::format("stage '{}': {}", stage.name, problem.text),
                     .fix = fix_of(problem.param, script),
                     .severity = found.severity});
    }
  }
  topology::sort_diagnostics(all);
  return all;
}

}  // namespace ride::cli
