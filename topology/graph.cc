#include "topology/graph.h"

#include <spdlog/fmt/fmt.h>

#include "common/wording.h"

namespace ride::topology {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A label of several lines; "\n" is DOT's own line break.
std::string label(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (line.empty()) continue;
    const std::string escaped = quoted(line);
    text += (text.empty() ? "" : "\\n") + escaped.substr(1, escaped.size() - 2);
  }
  return "\"" + text + "\"";
}

std::string group_line(const Group& group) {
  std::string text =
      group.min == group.max ? counted(group.min, "worker") : fmt::format("{} to {} workers", group.min, group.max);
  if (group.spares > 0) text += " + " + counted(group.spares, "spare");
  return text + ", " + to_string(group.device);
}

std::string topic_node(const PlannedTopic& topic) {
  const std::string partitions = topic.partitions == 0 ? "partitions unknown" : counted(topic.partitions, "partition");
  return fmt::format("  {} [shape=cylinder, label={}];\n", quoted("topic " + topic.name),
                     label({topic.name, partitions}));
}

std::string source_node(const Source& source) {
  const std::string rate = source.unpaced ? "fps max" : source.fps ? fmt::format("{} fps", *source.fps) : "";
  return fmt::format("  {} [shape=cds, label={}];\n", quoted("source " + source.name),
                     label({source.name, source.kind->name, rate}));
}

std::string stage_node(const Stage& stage) {
  return fmt::format("  {} [shape={}, label={}];\n", quoted("stage " + stage.name), stage.sink ? "house" : "box",
                     label({stage.name, stage.task, group_line(stage.group)}));
}

std::string edges(const std::string& from, const std::vector<stream::OutputSpec>& outputs) {
  std::string text;
  for (const auto& output : outputs) {
    const bool named = !output.port.empty() && output.port != "out";
    text += fmt::format("  {} -> {}{};\n", quoted(from), quoted("topic " + output.topic),
                        named ? fmt::format(" [label={}]", quoted(output.port)) : "");
  }
  return text;
}

}  // namespace

std::string to_dot(const Plan& plan) {
  std::string text = fmt::format("digraph {} {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n", quoted(plan.job));
  for (const PlannedSource& planned : plan.sources) text += source_node(planned.source);
  for (const PlannedTopic& topic : plan.topics) text += topic_node(topic);
  for (const PlannedStage& planned : plan.stages) text += stage_node(planned.stage);
  for (const PlannedSource& planned : plan.sources) text += edges("source " + planned.source.name, planned.outputs);
  for (const PlannedStage& planned : plan.stages) {
    text += fmt::format("  {} -> {};\n", quoted("topic " + planned.topic), quoted("stage " + planned.stage.name));
    text += edges("stage " + planned.stage.name, planned.outputs);
  }
  return text + "}\n";
}

}  // namespace ride::topology
