// What a worker or a producer must know to do its part of a job: the stages and sources of a plan, as they stand in the
// decisions log. Workers never see topology YAML. Plain values; JSON conversion in spec_json.h. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/param.h"

namespace ride::stream {

enum class PartitionBy {
  frame,
  source,
  tile,  // between a split and its merge: by frame, and each tile further on (decision 0037)
};

// As in the job's JSON. Inline: `topology` uses these values without this library.
inline const char* to_string(PartitionBy by) {
  switch (by) {
    case PartitionBy::frame:
      return "frame";
    case PartitionBy::source:
      return "source";
    case PartitionBy::tile:
      return "tile";
  }
  return "frame";
}

// Who writes into a stage's topic: a source (its frames are numbered) or a stage (origins are its input offsets).
struct UpstreamSpec {
  std::string name;
  int partitions = 1;  // of the upstream stage's input topic; 1 for a source
  bool is_source = false;
  bool operator==(const UpstreamSpec&) const = default;
};

// One topic that a stage or a source writes into.
struct OutputSpec {
  std::string port;  // of the task; empty for a source
  std::string to;    // name of the stage that reads it; empty for a named topic outside the job
  std::string topic;
  int partitions = 1;
  PartitionBy partition_by = PartitionBy::frame;
  std::string codec;  // "raw", "raw:zstd", "png", "jpeg:90"; empty: keep an unchanged picture's bytes, else raw
  bool operator==(const OutputSpec&) const = default;
};

// A foreign topic that is read in place.
struct AdoptSpec {
  std::string format;  // "raw" (pixels of `shape`), "jpeg", "png" (or "image": either, by its first bytes)
  std::string shape;   // "900x900x1": rows x columns x channels; raw only
  std::string depth;   // "8u", "16u", "32f"; raw only
  bool operator==(const AdoptSpec&) const = default;
};

// How a group follows the frame rate (decision 0014).
struct ScalingSpec {
  double target = 0.8;             // share of its time that a worker shall be busy
  std::int64_t drain_ms = 10'000;  // lag is to be worked off within it
  std::int64_t calm_ms = 30'000;   // fewer workers must have been enough for so long before one goes
  bool operator==(const ScalingSpec&) const = default;
};

struct GroupSpec {
  std::string device = "cpu";  // cpu | gpu | prefer_gpu
  int min = 1, max = 1, spares = 0;
  double cores = 0;               // 0: shared
  std::int64_t memory_bytes = 0;  // 0: no limit
  std::map<std::string, std::string> labels;
  ScalingSpec scaling;
  bool operator==(const GroupSpec&) const = default;
};

// A file that a job brings along: known by its content, and where it lies in the artifacts topic (decision 0044).
struct ArtifactRef {
  std::string name;    // that the file had, reduced to plain characters: its ending may tell what it is
  std::string sha256;  // of the whole file
  std::int64_t size = 0;
  std::string upload;       // which of its uploads: 16 hexadecimal digits
  std::int64_t offset = 0;  // of the upload's first chunk
  bool operator==(const ArtifactRef&) const = default;
  bool is_same_file(const ArtifactRef& other) const { return sha256 == other.sha256 && name == other.name; }
};

struct StageSpec {
  std::string name;
  std::string topic;  // input topic
  int partitions = 1;
  std::string group_id;                 // "<prefix>.<job>.<run>.<stage>": where offsets are committed
  std::vector<UpstreamSpec> upstreams;  // empty when the topic is adopted
  std::optional<AdoptSpec> adopt;
  std::string task;
  ParamValues params;                            // checked, defaults filled in
  std::map<std::string, ArtifactRef> artifacts;  // by parameter: files that the job brings; others lie on the nodes
  std::vector<OutputSpec> outputs;               // empty for a sink
  bool sink = false;
  PartitionBy partition_by = PartitionBy::frame;
  GroupSpec group;
  std::int64_t frame_timeout_ms = 0;  // 0: the larger of 10 s and 20 x the median
  std::int64_t max_age_ms = 0;        // 0: none
  std::int64_t max_pixels = 0;        // pictures above it are refused (outcome dead)
  std::int64_t keep_ms = 0;           // what readers have ACKed stays this long in the input topic
  std::int64_t retention_ms = 0;
  int replication = 1;
  std::int64_t max_message_bytes = 16 << 20;
  bool operator==(const StageSpec&) const = default;
};

struct SourceSpec {
  std::string name;
  std::string kind;      // camera | video | directory | synthetic | topic
  std::string uri;       // template: ${VAR} is still in it where credentials may stand; filled in by the producer only
  double fps = 0;        // 0: the source's own rate
  bool unpaced = false;  // fps: max
  std::string codec;  // "jpeg:90", ...; empty: the source's default (files keep their bytes, cameras jpeg:90, else raw)
  bool drop_when_late = false;  // when_late: drop
  std::int64_t max_age_ms = 0;
  std::int64_t max_pixels = 0;
  std::string node;     // where the device or folder is; empty: anywhere
  bool finite = false;  // ends by itself: directory, video file without loop, synthetic with frames
  ParamValues params;   // of the kind: loop, glob, width, height, frames, seed, ...
  std::vector<OutputSpec> outputs;
  std::int64_t max_message_bytes = 16 << 20;
  bool operator==(const SourceSpec&) const = default;
};

// All of a job that takes part in running it.
struct JobSpec {
  JobName job;
  RunNumber run;
  std::string prefix = "ride";  // of topics and groups
  std::vector<SourceSpec> sources;
  std::vector<StageSpec> stages;  // in flow order, sinks last
  bool finite = false;            // every source ends by itself: the job completes (decision 0040)
  int priority = 0;               // of its growth beyond `min`, where jobs share a pool: the higher first
  bool operator==(const JobSpec&) const = default;

  const StageSpec* stage(const std::string& name) const;
  const SourceSpec* source(const std::string& name) const;
  // Where a finite source of this run keeps its numbering (name -> number); the producer makes it when it first needs
  // it.
  std::string manifest_topic(const std::string& source) const;
};

}  // namespace ride::stream
