#include "cli/core/task_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <sstream>

#include "common/json.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

constexpr std::size_t kDefaultWidth = 100;

std::string first_sentence(const std::string& text) {
  const auto end = text.find(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

std::string bound_text(ParamType type, double bound) {
  return type == ParamType::integer ? fmt::format("{}", static_cast<std::int64_t>(bound)) : fmt::format("{}", bound);
}

// "1 to 99, must be odd", "raw | png"
std::string allowed_text(const ParamSpec& spec) {
  std::string text;
  if (!spec.choices.empty()) text = fmt::format("{}", fmt::join(spec.choices, " | "));
  if (spec.min && spec.max) text = bound_text(spec.type, *spec.min) + " to " + bound_text(spec.type, *spec.max);
  if (spec.min && !spec.max) text = "at least " + bound_text(spec.type, *spec.min);
  if (!spec.min && spec.max) text = "at most " + bound_text(spec.type, *spec.max);
  if (!spec.rule_doc.empty()) text += (text.empty() ? "" : ", ") + spec.rule_doc;
  return text;
}

std::string default_text(const ParamSpec& spec) {
  if (!spec.default_value) return "required";
  const std::string text = ride::to_string(*spec.default_value);
  return text.empty() ? "\"\"" : text;
}

std::vector<std::string> traits_of(const TaskDecl& task) {
  std::vector<std::string> traits;
  traits.push_back(task.sink ? "a sink: write it under 'sinks:'; it ends the flow"
                             : fmt::format("outputs: {}", fmt::join(task.outputs, ", ")));
  if (task.needs_order) traits.push_back("needs the frames of a source in order: topic: { partition_by: source }");
  if (task.warmup_frames > 0)
    traits.push_back(fmt::format("warms up with {} of each source", counted(task.warmup_frames, "frame")));
  if (task.gpu) traits.push_back("has a CUDA variant: group: { device: prefer_gpu }");
  return traits;
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t width, const std::string& indent) {
  std::istringstream words(text);
  std::string word, line = indent, all;
  while (words >> word) {
    if (line.size() > indent.size() && display_width(line) + 1 + display_width(word) > width) {
      all += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return line.size() > indent.size() ? all + line + "\n" : all;
}

std::string render_tasks(const TaskCatalog& catalog, const Style& style, std::size_t width) {
  Table table({{"TASK"}, {"KIND"}, {"WHAT IT DOES"}});
  for (const TaskDecl& task : catalog.all())
    table.add({Cell(task.name, Tone::bold), task.sink ? "sink" : "task", first_sentence(task.doc)});
  return table.render(style, width) + "\nride tasks NAME shows a task's parameters.\n";
}

std::string render_task(const TaskDecl& task, const Style& style, std::size_t width) {
  const std::size_t columns = width == 0 ? kDefaultWidth : width;
  std::string text = style.paint(task.name, Tone::bold) + "\n" + wrapped(task.doc, columns, "  ") + "\n";
  for (const auto& trait : traits_of(task)) text += "  " + trait + "\n";
  if (task.params.empty()) return text + "\n  It takes no parameters.\n";
  text += "\nparams:\n";
  for (const ParamSpec& spec : task.params) {
    const std::string allowed = allowed_text(spec);
    text += fmt::format("  {}  {}, {}{}\n", style.paint(spec.name, Tone::bold), to_string(spec.type),
                        spec.default_value ? "default " + default_text(spec) : "required",
                        allowed.empty() ? "" : "; " + allowed);
    text += wrapped(spec.doc, columns, "      ");
  }
  std::string example;
  for (const ParamSpec& spec : task.params)
    if (!spec.default_value) example += fmt::format("{}{}: ...", example.empty() ? "" : ", ", spec.name);
  text += fmt::format("\nIn a topology:\n  task: {}{}\n", task.name,
                      example.empty() ? "" : "\n  params: { " + example + " }");
  return text;
}

nlohmann::json task_to_json(const TaskDecl& task) {
  nlohmann::json params = nlohmann::json::array();
  for (const ParamSpec& spec : task.params) {
    nlohmann::json param = param_schema(spec);
    param["name"] = spec.name;
    param["required"] = !spec.default_value.has_value();
    params.push_back(std::move(param));
  }
  return {{"name", task.name},
          {"doc", task.doc},
          {"sink", task.sink},
          {"outputs", task.outputs},
          {"needs_order", task.needs_order},
          {"warmup_frames", task.warmup_frames},
          {"splittable", task.halo != nullptr},
          {"gpu", task.gpu},
          {"params", std::move(params)}};
}

}  // namespace ride::cli
