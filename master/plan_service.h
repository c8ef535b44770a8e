// PlanService: a topology's text on its way to a plan, with the facts of the cluster. Threads: any; questions to the
// cluster are asked one at a time. Failure: a Refusal, which the API shows.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "common/environment.h"
#include "common/task_decl.h"
#include "stream/control.h"
#include "stream/core/artifact.h"
#include "stream/ports.h"
#include "topology/output_check.h"
#include "topology/plan.h"

namespace ride::master {

struct Refusal {
  Error error;
  std::vector<topology::Diagnostic> diagnostics;  // of the file; empty: the error is not in it
};

struct Planned {
  topology::Plan plan;
  topology::TopicPartitions existing;
  std::vector<topology::Diagnostic> warnings;
};

// A plug-in that comes with a topology: what it is called there, what it declares, and where it lies.
struct BroughtPlugin {
  std::string file;
  std::vector<TaskDecl> tasks;
  stream::ArtifactRef ref;
};

class PlanService {
 public:
  struct Config {
    std::string prefix = "ride";
    std::int64_t max_message_bytes = 16 << 20;
    const TaskCatalog& catalog;
    Environment environment;
    std::string brokers = {};  // as the master reaches them
  };
  PlanService(Config config, std::unique_ptr<stream::TopicAdmin> admin)
      : config_(std::move(config)), admin_(std::move(admin)) {}

  const TaskCatalog& catalog() const { return config_.catalog; }
  const std::string& brokers() const { return config_.brokers; }
  std::string artifacts_topic() const { return stream::artifacts_topic(config_.prefix); }

  // `plugins`: whose tasks it may name, besides ours; exactly those that it lists. `nodes`: where their workers may
  // write.
  std::variant<topology::Topology, Refusal> parse(const std::string& text, const std::string& file,
                                                  const std::vector<BroughtPlugin>& plugins,
                                                  const std::vector<topology::NodeOutputs>& nodes,
                                                  std::vector<topology::Diagnostic>& warnings) const;
  // Where the topics that the job adopts end now.
  Result<stream::LogEnds> ends_of_adopted(const stream::JobSpec& job);
  // `run`: the next one by the decisions log; topics of a lost log may move it further. `running`: the run of the job
  // that goes on, if any; what the file leaves open stays as it is there.
  std::variant<Planned, Refusal> plan(const topology::Topology& topology, RunNumber run,
                                      const stream::JobSpec* running);

 private:
  std::variant<TaskCatalog, Refusal> catalog_for(const std::string& text, const std::string& file,
                                                 const std::vector<BroughtPlugin>& plugins) const;
  Result<topology::ClusterFacts> facts(const stream::JobSpec* running);

  Config config_;
  std::mutex mutex_;
  std::unique_ptr<stream::TopicAdmin> admin_;
};

}  // namespace ride::master
