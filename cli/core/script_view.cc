#include "cli/core/script_view.h"

#include <spdlog/fmt/fmt.h>

#include "cli/core/task_view.h"

namespace ride::cli {
namespace {

constexpr std::size_t kDefaultWidth = 100;

// The parameters that have to be stated, and one of the others.
std::string example_values(const python::ScriptClass& one) {
  std::string text;
  for (const auto& param : one.params)
    if (param.value.empty()) text += fmt::format("{}{}: ...", text.empty() ? "" : ", ", param.name);
  if (text.empty() && !one.params.empty()) text = one.params.front().name + ": ...";
  return text.empty() ? "" : ", values: { " + text + " }";
}

}  // namespace

std::string render_script(const std::string& file, const python::ScriptFacts& facts, const Style& style,
                          std::size_t width) {
  std::string text;
  for (const auto& one : facts.classes) {
    text += fmt::format("{}{}\n", text.empty() ? "" : "\n", style.paint(one.name, Tone::bold));
    text += wrapped(one.doc, width == 0 ? kDefaultWidth : width, "  ");
    text += fmt::format("  methods: {}\n", fmt::join(one.methods, ", "));
    text += one.params.empty() ? "  It declares no parameters.\n" : "\nvalues:\n";
    for (const auto& param : one.params)
      text += fmt::format("  {}  {}, {}\n", style.paint(param.name, Tone::bold),
                          param.type.empty() ? "a type of its own" : param.type,
                          param.value.empty() ? "required" : "default " + param.value);
    if (!one.whole) text += "  and what it has from classes of other files\n";
    text += fmt::format("\nIn a topology:\n  task: python\n  params: {{ file: {}{}{} }}\n", file,
                        facts.classes.size() > 1 ? ", class: " + one.name : "", example_values(one));
  }
  if (!facts.imports.empty()) text += fmt::format("\nimports: {}\n", fmt::join(facts.imports, ", "));
  return text;
}

nlohmann::json script_to_json(const std::string& file, const python::ScriptFacts& facts) {
  auto classes = nlohmann::json::array();
  for (const auto& one : facts.classes) {
    auto params = nlohmann::json::array();
    for (const auto& param : one.params)
      params.push_back({{"name", param.name},
                        {"type", param.type},
                        {"default", param.value.empty() ? nlohmann::json() : nlohmann::json(param.value)},
                        {"required", param.value.empty()}});
    classes.push_back({{"name", one.name}, {"doc", one.doc}, {"methods", one.methods}, {"params", std::move(params)}});
  }
  return {{"file", file}, {"python", facts.python}, {"classes", std::move(classes)}, {"imports", facts.imports}};
}

}  // namespace ride::cli
