#include "topology/plan.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/check.h"
#include "common/wording.h"
#include "topology/keys.h"

namespace ride::topology {
namespace {

constexpr int kDefaultReplication = 3;

class Planner {
 public:
  Planner(const Topology& topology, RunNumber run, const std::string& prefix, const ClusterFacts& facts)
      : topology_(topology), facts_(facts) {
    plan_.job = topology.name();
    plan_.prefix = prefix;
    plan_.run = run.value;
    plan_.priority = topology.priority();
    plan_.brokers = facts.brokers;
    plan_.max_message_bytes = facts.max_message_bytes;
    plan_.finite = topology.finite();
  }

  Result<Plan> run() {
    if (!is_name(plan_.prefix)) {
      return fail(ErrorCode::invalid_argument,
                  "the prefix '{}' does not fit: use a-z, 0-9, '-' and '_', at most {} long", plan_.prefix,
                  kMaxNameLength);
    }
    for (const Stage& stage : topology_.stages()) {
      RIDE_TRY(add_stage(stage));
    }
    for (const Source& source : topology_.sources()) {
      RIDE_TRY(check_foreign(source));
      add_source(source);
    }
    for (PlannedStage& planned : plan_.stages) {
      connect(planned);
      RIDE_TRY(add_named_outputs(planned));
      planned.estimate = estimate(planned);
    }
    return std::move(plan_);
  }

 private:
  template <class... Args>
  static Error fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    return {code, fmt::format(format, std::forward<Args>(args)...)};
  }

  Result<void> add_stage(const Stage& stage) {
    PlannedStage planned;
    planned.stage = stage;
    planned.group_id = stage_topic(plan_.prefix, plan_.job, RunNumber{plan_.run}, stage.name);
    if (stage.topic.adopt) {
      RIDE_TRY(adopt(stage, planned));
    } else {
      planned.topic = planned.group_id;
      planned.partitions = stage.topic.partitions;
      planned.replication = stage.topic.replication.value_or(std::min(kDefaultReplication, plan_.brokers));
      keep_what_runs(stage, planned);
      if (planned.replication > plan_.brokers) {
        return fail(ErrorCode::invalid_argument,
                    "stage '{}' asks for replication: {}, but the cluster has {}; write replication: {} or less, "
                    "or leave it out",
                    stage.name, planned.replication, counted(plan_.brokers, "broker"), plan_.brokers);
      }
    }
    plan_.topics.push_back({.kind = stage.topic.adopt ? PlannedTopic::Kind::adopted : PlannedTopic::Kind::input,
                            .name = planned.topic,
                            .partitions = planned.partitions,
                            .replication = planned.replication,
                            .retention_ms = stage.topic.retention.count(),
                            .stage = stage.name});
    plan_.stages.push_back(std::move(planned));
    return {};
  }

  // What the file leaves open is no difference to what runs.
  void keep_what_runs(const Stage& stage, PlannedStage& planned) const {
    const auto running = facts_.running.find(stage.name);
    if (running == facts_.running.end()) return;
    const auto& [partitions, replication] = running->second;
    if (!stage.topic.partitions_given && stage.group.max <= partitions) planned.partitions = partitions;
    if (!stage.topic.replication && replication > 0 && replication <= plan_.brokers) planned.replication = replication;
  }

  // A job that reads what it writes itself never comes to an end, and the control topics hold no pictures.
  Result<void> check_not_own(const std::string& who, const std::string& topic) const {
    if (topic == plan_.prefix + ".decisions" || topic == plan_.prefix + ".reports" ||
        topic == plan_.prefix + ".artifacts")
      return fail(ErrorCode::invalid_argument,
                  "{} reads the topic '{}', which holds RIDE's control records; name another", who, topic);
    if (topic.starts_with(fmt::format("{}.{}.{}.", plan_.prefix, plan_.job, plan_.run)))
      return fail(ErrorCode::invalid_argument,
                  "{} reads the topic '{}', which this job writes itself: a circle; name a topic of somebody else", who,
                  topic);
    return {};
  }

  Result<void> check_foreign(const Source& source) {
    if (source.kind->input != SourceInput::topic) return {};
    return check_not_own(fmt::format("source '{}'", source.name), source.uri);
  }

  Result<void> adopt(const Stage& stage, PlannedStage& planned) {
    planned.topic = stage.topic.adopt->name;
    RIDE_TRY(check_not_own(fmt::format("stage '{}'", stage.name), planned.topic));
    planned.partitions = stage.topic.partitions;
    if (!facts_.topics) return {};
    const auto found = facts_.topics->find(planned.topic);
    if (found == facts_.topics->end()) {
      return fail(ErrorCode::not_found,
                  "stage '{}' adopts the topic '{}', which is not on the cluster; check the name, or create it first",
                  stage.name, planned.topic);
    }
    if (planned.partitions != 0 && planned.partitions != found->second) {
      return fail(ErrorCode::already_exists,
                  "stage '{}' adopts the topic '{}' with partitions: {}, but it has {}; leave the number out",
                  stage.name, planned.topic, planned.partitions, found->second);
    }
    planned.partitions = found->second;
    if (stage.group.max > planned.partitions) {
      return fail(ErrorCode::invalid_argument,
                  "stage '{}' has a group of up to {} workers, but the adopted topic '{}' has {}; write group: "
                  "{{ max: {} }}",
                  stage.name, stage.group.max, planned.topic, counted(planned.partitions, "partition"),
                  planned.partitions);
    }
    return {};
  }

  stream::OutputSpec output_to(const PlannedStage& reader, const std::string& port, const std::string& codec) const {
    return {.port = port,
            .to = reader.stage.name,
            .topic = reader.topic,
            .partitions = reader.partitions,
            .partition_by = to_stream(reader.stage.topic.partition_by),
            .codec = codec};
  }

  void add_source(const Source& source) {
    PlannedSource planned{.source = source, .outputs = {}};
    for (const PlannedStage& reader : plan_.stages) {
      for (const Upstream& upstream : reader.stage.from) {
        if (upstream.name == source.name) planned.outputs.push_back(output_to(reader, "", source.codec));
      }
    }
    plan_.sources.push_back(std::move(planned));
  }

  // Who writes into the stage, and where it writes.
  void connect(PlannedStage& planned) {
    for (const Upstream& upstream : planned.stage.from) {
      const PlannedStage* writer = find(upstream.name);
      planned.upstreams.push_back({.name = upstream.name,
                                   .partitions = writer == nullptr ? 1 : writer->partitions,
                                   .is_source = upstream.is_source});
    }
    for (const PlannedStage& reader : plan_.stages) {
      for (const Upstream& upstream : reader.stage.from) {
        if (upstream.name != planned.stage.name) continue;
        planned.outputs.push_back(output_to(reader, upstream.port, planned.stage.codec));
      }
    }
  }

  Result<void> add_named_outputs(PlannedStage& planned) {
    for (const NamedOutput& output : planned.stage.outputs) {
      if (output.topic.starts_with(plan_.prefix + ".")) {
        return fail(ErrorCode::invalid_argument,
                    "stage '{}' writes into the topic '{}', but names that start with '{}.' are reserved for RIDE; "
                    "choose another",
                    planned.stage.name, output.topic, plan_.prefix);
      }
      int partitions = output.partitions.value_or(planned.partitions);
      if (!output.partitions && facts_.topics && facts_.topics->contains(output.topic)) {
        partitions = facts_.topics->at(output.topic);  // it is there: we take it as it is
      }
      planned.outputs.push_back({.port = output.port,
                                 .to = "",
                                 .topic = output.topic,
                                 .partitions = partitions,
                                 .partition_by = to_stream(planned.stage.topic.partition_by),
                                 .codec = planned.stage.codec});
      plan_.topics.push_back({.kind = PlannedTopic::Kind::output,
                              .name = output.topic,
                              .partitions = partitions,
                              .replication = std::min(kDefaultReplication, plan_.brokers),
                              .retention_ms = 0,
                              .stage = planned.stage.name});
    }
    return {};
  }

  // Only what is certain: raw pixels of a known shape at a known rate, as sources write them.
  Estimate estimate(const PlannedStage& planned) const {
    Estimate sum{.frames_per_second = 0, .megabytes_per_second = 0, .disk_bytes = std::nullopt};
    for (const Upstream& upstream : planned.stage.from) {
      const Source* source = upstream.is_source ? topology_.source(upstream.name) : nullptr;
      if (source == nullptr) return {};
      if (!source->fps) return {};
      *sum.frames_per_second += *source->fps;
      const bool raw = source->codec.empty() || source->codec == "raw";
      if (source->shape && raw && sum.megabytes_per_second) {
        *sum.megabytes_per_second += *source->fps * static_cast<double>(source->shape->bytes()) / 1e6;
      } else {
        sum.megabytes_per_second.reset();
      }
    }
    if (planned.stage.from.empty()) return {};
    if (sum.megabytes_per_second) {
      const double seconds = static_cast<double>(planned.stage.topic.retention.count()) / 1000;
      const double bytes = *sum.megabytes_per_second * 1e6 * seconds * planned.replication;
      if (bytes < 9e18) sum.disk_bytes = static_cast<std::int64_t>(bytes);
    }
    return sum;
  }

  const PlannedStage* find(const std::string& name) const {
    const auto found =
        std::find_if(plan_.stages.begin(), plan_.stages.end(), [&](const auto& p) { return p.stage.name == name; });
    return found == plan_.stages.end() ? nullptr : &*found;
  }

  const Topology& topology_;
  const ClusterFacts& facts_;
  Plan plan_;
};

int sum_of(const Plan& plan, int Group::*member) {
  int sum = 0;
  for (const PlannedStage& planned : plan.stages) sum += planned.stage.group.*member;
  return sum;
}

}  // namespace

bool Plan::complete() const {
  return std::all_of(topics.begin(), topics.end(), [](const PlannedTopic& topic) { return topic.partitions > 0; });
}
int Plan::min_workers() const { return sum_of(*this, &Group::min); }
int Plan::max_workers() const { return sum_of(*this, &Group::max); }
int Plan::spares() const { return sum_of(*this, &Group::spares); }

std::string stage_topic(const std::string& prefix, const std::string& job, RunNumber run, const std::string& stage) {
  return fmt::format("{}.{}.{}.{}", prefix, job, run.value, stage);
}

Result<Plan> make_plan(const Topology& topology, RunNumber run, const std::string& prefix, const ClusterFacts& facts) {
  return Planner(topology, run, prefix, facts).run();
}

PlanDiff diff(const TopicPartitions& existing, const Plan& plan) {
  PlanDiff result;
  for (const PlannedTopic& topic : plan.topics) {
    const auto found = existing.find(topic.name);
    if (found == existing.end()) {
      (topic.kind == PlannedTopic::Kind::adopted ? result.missing : result.create).push_back(topic);
    } else if (topic.partitions != 0 && found->second != topic.partitions) {
      result.conflicts.push_back({.topic = topic.name, .has = found->second, .wants = topic.partitions});
    } else {
      result.exists.push_back(topic);
    }
  }
  return result;
}

Result<void> check(const PlanDiff& diff) {
  if (diff.ok()) return {};
  std::string text;
  for (const auto& conflict : diff.conflicts) {
    text += fmt::format("{}the topic '{}' exists with {}, the plan needs {}", text.empty() ? "" : "; ", conflict.topic,
                        counted(conflict.has, "partition"), conflict.wants);
  }
  for (const PlannedTopic& topic : diff.missing) {
    text += fmt::format("{}the topic '{}', to be adopted by stage '{}', does not exist", text.empty() ? "" : "; ",
                        topic.name, topic.stage);
  }
  if (!diff.conflicts.empty()) text += "; state the partitions that it has, name another topic, or delete it";
  return Error{diff.conflicts.empty() ? ErrorCode::not_found : ErrorCode::already_exists, text};
}

}  // namespace ride::topology
