// A plan for people (render_plan) and for scripts (plan_to_json).
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/json.h"
#include "common/units.h"
#include "common/wording.h"
#include "topology/plan.h"

namespace ride::topology {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Columns aligned, two blanks between them, nothing behind the last.
std::string table(const Rows& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

const char* kind_text(PlannedTopic::Kind kind) {
  switch (kind) {
    case PlannedTopic::Kind::input:
      return "input";
    case PlannedTopic::Kind::adopted:
      return "adopted";
    case PlannedTopic::Kind::output:
      return "output";
  }
  return "input";
}

std::string state_of(const PlannedTopic& topic, const std::optional<TopicPartitions>& existing) {
  if (!existing) return "";
  const auto found = existing->find(topic.name);
  if (found == existing->end()) return topic.kind == PlannedTopic::Kind::adopted ? "MISSING" : "to create";
  if (topic.partitions == 0 || found->second == topic.partitions) return "exists";
  return "CONFLICT: exists with " + counted(found->second, "partition");
}

std::string topics_text(const Plan& plan, const std::optional<TopicPartitions>& existing) {
  Rows rows;
  for (const PlannedTopic& topic : plan.topics) {
    rows.push_back({topic.name, kind_text(topic.kind),
                    topic.partitions == 0 ? "partitions unknown" : counted(topic.partitions, "partition"),
                    topic.replication == 0 ? "" : fmt::format("replication {}", topic.replication),
                    topic.retention_ms == 0 ? "" : "retention " + format_duration(milliseconds{topic.retention_ms}),
                    state_of(topic, existing)});
  }
  return table(rows);
}

std::string rate_text(const Source& source) {
  if (source.unpaced) return "fps max";
  return source.fps ? fmt::format("{} fps", *source.fps) : "own rate";
}

std::string readers_text(const std::vector<stream::OutputSpec>& outputs) {
  std::vector<std::string> names;
  for (const auto& output : outputs) {
    const std::string target = output.to.empty() ? "topic " + output.topic : output.to;
    const bool named_port = !output.port.empty() && output.port != "out";
    names.push_back(named_port ? fmt::format("{}: {}", output.port, target) : target);
  }
  return names.empty() ? "" : fmt::format("-> {}", fmt::join(names, ", "));
}

std::string sources_text(const Plan& plan) {
  Rows rows;
  for (const PlannedSource& planned : plan.sources) {
    const Source& source = planned.source;
    const std::string what = source.kind->shown != nullptr ? source.kind->shown(source.params) : source.uri;
    rows.push_back({source.name, source.kind->name, what, rate_text(source),
                    source.codec.empty() ? "" : "codec " + source.codec,
                    source.drop_when_late ? "drops when late" : "keeps all", source.finite ? "ends" : "live",
                    readers_text(planned.outputs)});
  }
  return table(rows);
}

std::string task_text(const Stage& stage) {
  std::vector<std::string> params;
  for (const auto& [name, value] : stage.params) params.push_back(fmt::format("{}={}", name, ride::to_string(value)));
  return params.empty() ? stage.task : fmt::format("{}({})", stage.task, fmt::join(params, ", "));
}

std::string worker_count(int min, int max) {
  return min == max ? counted(min, "worker") : fmt::format("{} to {} workers", min, max);
}

std::string scaling_text(const Group& group) {
  if (group.min == group.max) return "";
  return fmt::format(", follows the frame rate: {:g} busy, drain {}, calm {}", group.target,
                     format_duration(group.drain), format_duration(group.calm));
}

std::string group_text(const Group& group) {
  std::string text = worker_count(group.min, group.max);
  if (group.spares > 0) text += fmt::format(" + {}", counted(group.spares, "spare"));
  text += fmt::format(" on {}", to_string(group.device));
  if (group.cores > 0) text += fmt::format(", {} cores each", group.cores);
  if (group.memory_bytes > 0) text += fmt::format(", {} each", format_byte_size({group.memory_bytes}));
  for (const auto& [name, value] : group.labels) text += fmt::format(", {}={}", name, value);
  return text + scaling_text(group);
}

std::string from_text(const PlannedStage& planned) {
  if (planned.stage.topic.adopt) return "from topic " + planned.topic;
  std::vector<std::string> names;
  for (const Upstream& upstream : planned.stage.from) {
    names.push_back(upstream.port.empty() || upstream.port == "out" ? upstream.name
                                                                    : upstream.name + "." + upstream.port);
  }
  return fmt::format("from {}", fmt::join(names, ", "));
}

std::string partitioned_text(PartitionBy by) {
  return by == PartitionBy::frame ? "" : fmt::format("by {}", to_string(by));
}

std::string stages_text(const Plan& plan, bool sinks) {
  Rows rows;
  for (const PlannedStage& planned : plan.stages) {
    if (planned.stage.sink != sinks) continue;
    rows.push_back({planned.stage.name, task_text(planned.stage), from_text(planned), group_text(planned.stage.group),
                    partitioned_text(planned.stage.topic.partition_by), readers_text(planned.outputs)});
  }
  return table(rows);
}

std::string estimates_text(const Plan& plan) {
  Rows rows;
  for (const PlannedStage& planned : plan.stages) {
    const Estimate& e = planned.estimate;
    rows.push_back({planned.stage.name,
                    e.frames_per_second ? fmt::format("{} fps", *e.frames_per_second) : "fps unknown",
                    e.megabytes_per_second ? fmt::format("{:.1f} MB/s", *e.megabytes_per_second) : "MB/s unknown",
                    e.disk_bytes ? fmt::format("disk at most {}", format_byte_size({*e.disk_bytes})) : "disk unknown"});
  }
  return table(rows);
}

nlohmann::json outputs_json(const std::vector<stream::OutputSpec>& outputs) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& output : outputs) {
    list.push_back({{"port", output.port},
                    {"to", output.to},
                    {"topic", output.topic},
                    {"partitions", output.partitions},
                    {"partition_by", to_string(output.partition_by)},
                    {"codec", output.codec}});
  }
  return list;
}

template <class T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json source_json(const PlannedSource& planned) {
  const Source& source = planned.source;
  return {{"name", source.name},
          {"kind", source.kind->name},
          {"uri", source.uri},
          {"fps", or_null(source.fps)},
          {"unpaced", source.unpaced},
          {"codec", source.codec},
          {"when_late", source.drop_when_late ? "drop" : "keep"},
          {"finite", source.finite},
          {"node", source.node},
          {"params", params_to_json(source.params)},
          {"outputs", outputs_json(planned.outputs)}};
}

nlohmann::json stage_json(const PlannedStage& planned) {
  const Stage& stage = planned.stage;
  nlohmann::json upstreams = nlohmann::json::array();
  for (const auto& upstream : planned.upstreams) {
    upstreams.push_back({{"name", upstream.name}, {"partitions", upstream.partitions}, {"source", upstream.is_source}});
  }
  return {{"name", stage.name},
          {"sink", stage.sink},
          {"topic", planned.topic},
          {"group_id", planned.group_id},
          {"partitions", planned.partitions},
          {"replication", planned.replication},
          {"partition_by", to_string(stage.topic.partition_by)},
          {"adopted", stage.topic.adopt.has_value()},
          {"task", stage.task},
          {"params", params_to_json(stage.params)},
          {"group",
           {{"device", to_string(stage.group.device)},
            {"min", stage.group.min},
            {"max", stage.group.max},
            {"spares", stage.group.spares},
            {"cores", stage.group.cores},
            {"memory_bytes", stage.group.memory_bytes},
            {"labels", stage.group.labels},
            {"target", stage.group.target},
            {"drain_ms", stage.group.drain.count()},
            {"calm_ms", stage.group.calm.count()}}},
          {"upstreams", upstreams},
          {"outputs", outputs_json(planned.outputs)},
          {"estimate",
           {{"fps", or_null(planned.estimate.frames_per_second)},
            {"megabytes_per_second", or_null(planned.estimate.megabytes_per_second)},
            {"disk_bytes", or_null(planned.estimate.disk_bytes)}}}};
}

}  // namespace

std::string render_plan(const Plan& plan, const std::optional<TopicPartitions>& existing) {
  const auto sinks = std::count_if(plan.stages.begin(), plan.stages.end(), [](const auto& p) { return p.stage.sink; });
  const auto stages = static_cast<std::int64_t>(plan.stages.size()) - sinks;
  std::string text =
      fmt::format("job {}, run {}: {}, {}, {}; {}\n", plan.job, plan.run,
                  counted(static_cast<std::int64_t>(plan.sources.size()), "source"), counted(stages, "stage"),
                  counted(sinks, "sink"), plan.finite ? "it ends with its input" : "it runs until it is stopped");
  if (plan.priority != 0) text += fmt::format("priority {}\n", plan.priority);
  text +=
      fmt::format("needs {}{}; {}\n", worker_count(plan.min_workers(), plan.max_workers()),
                  plan.spares() == 0 ? "" : " and " + counted(plan.spares(), "spare"), counted(plan.brokers, "broker"));
  text += "\ntopics\n" + topics_text(plan, existing);
  if (!plan.sources.empty()) text += "\nsources\n" + sources_text(plan);
  if (stages > 0) text += "\nstages\n" + stages_text(plan, false);
  if (sinks > 0) text += "\nsinks\n" + stages_text(plan, true);
  text += "\nload of the input topics, before replication\n" + estimates_text(plan);
  return text;
}

nlohmann::json plan_to_json(const Plan& plan, const std::optional<TopicPartitions>& existing) {
  nlohmann::json json = {{"job", plan.job},
                         {"run", plan.run},
                         {"priority", plan.priority},
                         {"prefix", plan.prefix},
                         {"brokers", plan.brokers},
                         {"max_message_bytes", plan.max_message_bytes},
                         {"finite", plan.finite},
                         {"min_workers", plan.min_workers()},
                         {"max_workers", plan.max_workers()},
                         {"spares", plan.spares()}};
  json["topics"] = json["sources"] = json["stages"] = nlohmann::json::array();
  for (const PlannedTopic& topic : plan.topics) {
    json["topics"].push_back({{"name", topic.name},
                              {"kind", kind_text(topic.kind)},
                              {"partitions", topic.partitions},
                              {"replication", topic.replication},
                              {"retention_ms", topic.retention_ms},
                              {"stage", topic.stage}});
    if (existing) json["topics"].back()["state"] = state_of(topic, existing);
  }
  for (const PlannedSource& source : plan.sources) json["sources"].push_back(source_json(source));
  for (const PlannedStage& stage : plan.stages) json["stages"].push_back(stage_json(stage));
  return json;
}

}  // namespace ride::topology
