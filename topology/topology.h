// Topology: what a user described in YAML, valid by construction. Only parse_topology() makes one (parse, don't
// validate): references hold, there is no cycle, parameters are checked and complete, names fit Kafka, bounds hold.
// Owner: whoever asked for it; an immutable value. Threads: any, when const. Failure: diagnostics, never an exception.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/environment.h"
#include "common/frame_shape.h"
#include "common/param.h"
#include "common/task_decl.h"
#include "common/units.h"
#include "source_kinds/source_decl.h"
#include "topology/diagnostic.h"
#include "topology/test_case.h"

namespace ride::topology {

enum class PartitionBy { frame, source, tile };  // tile: between a split and its merge
enum class DeviceChoice { cpu, gpu, prefer_gpu };
const char* to_string(PartitionBy by);
const char* to_string(DeviceChoice device);

struct Source {
  std::string name;
  const SourceDecl* kind = nullptr;  // in a Topology never null
  std::string uri;  // what the kind's key says: a template with its ${VAR}s, or a name; empty where that key is a map
  std::optional<double> fps;  // absent: the source's own rate
  bool unpaced = false;       // fps: max
  std::string codec;          // empty: the default of the kind
  bool drop_when_late = false;
  milliseconds max_age{0};  // 0: none
  std::int64_t max_pixels = 0;
  std::string node;     // empty: any
  bool finite = false;  // ends by itself
  ParamValues params;   // of the kind, as source_kinds/ declares them, complete but for those that the plan leaves out
  std::optional<FrameShape> shape;  // where it is known before a frame was seen
};

struct Upstream {
  std::string name;
  std::string port;  // of a stage's task, filled in; empty for a source
  bool is_source = false;
};

struct AdoptedTopic {
  std::string name;
  std::string format;        // raw | jpeg | png | image
  std::string shape, depth;  // raw only
  std::optional<FrameShape> frame;
};

struct TopicSettings {
  std::optional<AdoptedTopic> adopt;
  int partitions = 0;              // 0: an adopted topic's own number
  bool partitions_given = false;   // in the file; else it follows the group's size
  std::optional<int> replication;  // absent: 3, or the number of brokers
  milliseconds retention{0};
  milliseconds keep{0};
  PartitionBy partition_by = PartitionBy::frame;
};

struct Group {
  DeviceChoice device = DeviceChoice::cpu;
  int min = 1, max = 1, spares = 0;
  double cores = 0;               // 0: shared
  std::int64_t memory_bytes = 0;  // 0: no limit
  std::map<std::string, std::string> labels;
  // How it follows the frame rate between min and max.
  double target = 0.8;         // share of its time that a worker shall be busy
  milliseconds drain{10'000};  // lag is to be worked off within it
  milliseconds calm{30'000};   // fewer workers must have been enough for so long before one goes
};

// A topic outside the job.
struct NamedOutput {
  std::string port, topic;
  std::optional<int> partitions;  // absent: as many as the stage's own topic
};

struct Stage {
  std::string name;
  bool sink = false;
  std::vector<Upstream> from;  // empty exactly where the topic is adopted
  TopicSettings topic;
  std::string task;
  ParamValues params;  // checked, defaults filled in
  std::string codec;   // empty: unchanged pictures keep their bytes, others are raw
  Group group;
  std::vector<NamedOutput> outputs;
  milliseconds frame_timeout{0};  // 0: measured
  milliseconds max_age{0};        // 0: none
  std::int64_t max_pixels = 0;
};

class Topology {
 public:
  const std::string& name() const { return name_; }
  const std::vector<Source>& sources() const { return sources_; }  // those that are read, in file order
  const std::vector<Stage>& stages() const { return stages_; }     // in flow order, sinks last
  const Source* source(std::string_view name) const;               // null when there is none
  const Stage* stage(std::string_view name) const;
  int priority() const { return priority_; }                     // of its growth, where jobs share workers
  const std::vector<TestCase>& tests() const { return tests_; }  // in file order; a master reads none
  bool finite() const;  // every source ends by itself and no topic is adopted: the job completes

 private:
  friend class FileParser;
  Topology(std::string name, int priority, std::vector<Source> sources, std::vector<Stage> stages,
           std::vector<TestCase> tests)
      : name_(std::move(name)),
        priority_(priority),
        sources_(std::move(sources)),
        stages_(std::move(stages)),
        tests_(std::move(tests)) {}

  std::string name_;
  int priority_ = 0;
  std::vector<Source> sources_;
  std::vector<Stage> stages_;
  std::vector<TestCase> tests_;
};

struct ParseOutcome {
  std::optional<Topology> topology;     // exactly when no diagnostic is an error
  std::vector<Diagnostic> diagnostics;  // all that was found, in order of places
};

// `file_name` is only used in diagnostics. ${VAR}s are filled in from `environment`, except in sources' URIs.
ParseOutcome parse_topology(std::string_view text, const std::string& file_name, const TaskCatalog& catalog,
                            const Environment& environment);

}  // namespace ride::topology
