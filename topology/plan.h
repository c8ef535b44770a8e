// Plan: a Topology laid out on a cluster: topics, partitions, wiring, groups. The second of three forms: Topology,
// Plan, Assignment. Pure values; ordered, so that equal input gives equal text. Threads: any, when const.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "stream/spec.h"
#include "topology/topology.h"

namespace ride::topology {

// Topics of a cluster and their numbers of partitions.
using TopicPartitions = std::map<std::string, int>;

struct ClusterFacts {
  int brokers = 1;
  std::int64_t max_message_bytes = 16 << 20;
  std::optional<TopicPartitions> topics;  // absent: not looked at (a plan without a cluster)
  // Of the run that a plan would change or replace, by stage: where the file states no number and it is enough, it
  // stays.
  struct RunningTopic {
    int partitions = 0, replication = 0;
  };
  std::map<std::string, RunningTopic> running;
};

struct PlannedTopic {
  enum class Kind { input, adopted, output };  // made for the job; read in place; outside the job, made where missing
  Kind kind = Kind::input;
  std::string name;
  int partitions = 0;             // 0: unknown (adopted, and no cluster was looked at)
  int replication = 0;            // 0: as it is
  std::int64_t retention_ms = 0;  // 0: as it is, or the cluster's default
  std::string stage;              // that reads it, or writes it (output)
};

// Of one stage's frames, where shape and rate are known before a frame was seen.
struct Estimate {
  std::optional<double> frames_per_second;
  std::optional<double> megabytes_per_second;  // into the input topic, before replication; 10^6 bytes
  std::optional<std::int64_t> disk_bytes;      // upper bound: retention x rate x replication
};

struct PlannedStage {
  Stage stage;
  std::string topic, group_id;
  int partitions = 0;
  int replication = 0;
  std::vector<stream::UpstreamSpec> upstreams;
  std::vector<stream::OutputSpec> outputs;  // into the job's stages and to named topics
  Estimate estimate;
};

struct PlannedSource {
  Source source;
  std::vector<stream::OutputSpec> outputs;
};

struct Plan {
  std::string job, prefix;
  std::int64_t run = 0;
  int priority = 0;
  int brokers = 1;
  std::int64_t max_message_bytes = 0;
  bool finite = false;
  std::vector<PlannedTopic> topics;    // in flow order
  std::vector<PlannedSource> sources;  // in file order
  std::vector<PlannedStage> stages;    // in flow order, sinks last

  bool complete() const;  // every number of partitions is known
  int min_workers() const;
  int max_workers() const;
  int spares() const;
};

// "<prefix>.<job>.<run>.<stage>": the topic and the group id of a stage.
std::string stage_topic(const std::string& prefix, const std::string& job, RunNumber run, const std::string& stage);

// invalid_argument: a bad prefix, a named topic within "<prefix>.", more replicas than brokers. not_found: an adopted
// topic is not there. already_exists: an adopted topic has other partitions than the file says.
Result<Plan> make_plan(const Topology& topology, RunNumber run, const std::string& prefix, const ClusterFacts& facts);

stream::PartitionBy to_stream(PartitionBy by);

// What runs. The plan must be complete().
stream::JobSpec to_job_spec(const Plan& plan);

struct PlanDiff {
  struct Conflict {
    std::string topic;
    int has = 0, wants = 0;
  };
  std::vector<PlannedTopic> create;
  std::vector<PlannedTopic> exists;   // with the planned number of partitions
  std::vector<PlannedTopic> missing;  // to be adopted, but not there
  std::vector<Conflict> conflicts;    // exists with another number of partitions
  bool ok() const { return conflicts.empty() && missing.empty(); }
};
PlanDiff diff(const TopicPartitions& existing, const Plan& plan);
Result<void> check(const PlanDiff& diff);  // all conflicts in one error, with what to do

// For a terminal. `existing`: also what would be created.
std::string render_plan(const Plan& plan, const std::optional<TopicPartitions>& existing = std::nullopt);
nlohmann::json plan_to_json(const Plan& plan, const std::optional<TopicPartitions>& existing = std::nullopt);

}  // namespace ride::topology
