// What a test of a topology runs: the job's stages, as a worker would get them, on one partition each, from the source
// to the last stage of the test; its output is kept instead of going on. Pure values. Failure: the topology cannot be
// planned at all (invalid_argument).
#pragma once

#include <string>
#include <vector>

#include "stream/spec.h"
#include "topology/topology.h"

namespace ride::test_runner {

inline constexpr const char* kKept = "(test)";  // the topic behind the last stage; no stage can have this name

struct ChainPlan {
  stream::JobSpec job;
  std::vector<stream::StageSpec> stages;  // in order; each writes into the next alone
  // Who writes into the first stage: the job's source, or what stands for the stage or the topic before it. Its one
  // output is the first stage's topic.
  stream::SourceSpec feed;
  std::string source;      // of the frames' names
  bool is_source = false;  // the feed is the job's own source
};

Result<ChainPlan> plan_chain(const topology::Topology& topology, const topology::TestCase& test);

}  // namespace ride::test_runner
