// SetProcessor: runs one accepted set through a task and makes of it the sets that go on. No Kafka, no threads of its own.
// Owner: the compute thread. Failure: a task's error becomes the outcome `dead`; a retriable one is handed back, to be
// tried again.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stream/core/set.h"
#include "stream/frame_codec.h"
#include "worker/buffer_pool.h"
#include "worker/core/processed.h"
#include "worker/tasks/task.h"

namespace ride::worker {

class SetProcessor {
 public:
  struct Config {
    stream::StageSpec stage;
    std::string job;
    RunNumber run;
    PartitionId partition;
    std::string writer;  // incarnation@epoch: a later ownership of the same incarnation must not complete an earlier's sets
    // Time now, for max_age.
    std::function<SystemTime()> now = system_now;
  };
  SetProcessor(Config config, tasks::Task& task, BufferPool& pool);

  // A retriable Error: nothing happened, call again later with the same set.
  Result<Processed> process(const stream::AcceptedSet& set);

 private:
  class Collector;

  Result<Processed> process_frames(const stream::AcceptedSet& set);
  Processed outcome(const stream::AcceptedSet& set, stream::Outcome outcome, const std::string& reason) const;
  Processed end_of_input(const stream::AcceptedSet& set);
  Result<void> add_sets(const stream::AcceptedSet& set, Collector& collector, Processed& out) const;
  stream::SetIdentity identity(stream::OriginKey key) const;
  stream::TopicPartition home(const stream::OutputSpec& output, const FrameId& id) const;

  Config config_;
  tasks::Task& task_;
  BufferPool& pool_;
  stream::ChunkLimits limits_;
};

}  // namespace ride::worker
