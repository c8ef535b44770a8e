// SetProcessor: runs one accepted set through a task and makes of it the sets that go on. No Kafka, no threads of its
// own. Owner: the compute thread. Failure: a task's error becomes the outcome `dead` and a dead letter, which is sent
// before it; a retriable one is handed back, to be tried again.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/task_decl.h"
#include "stream/core/set.h"
#include "stream/frame_codec.h"
#include "worker/buffer_pool.h"
#include "worker/core/assignment_view.h"
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
    std::string
        writer;  // incarnation@epoch: a later ownership of the same incarnation must not complete an earlier's sets
    // Time now, for max_age and for dead letters.
    std::function<SystemTime()> now = system_now;
    std::function<void()> progress = [] {};  // the task said that it goes on
    std::string default_port = "out";        // where it emits when it names none, as it declares
    bool can_defer = false;                  // the caller does what is in Processed::deferred
    TileRole tiles = TileRole::none;         // what it does to tiles, as it declares
  };
  SetProcessor(Config config, tasks::Task& task, BufferPool& pool);

  // A retriable Error: nothing happened, call again later with the same set.
  Result<Processed> process(const stream::AcceptedSet& set);
  // What was deferred failed for good.
  Processed failed(const stream::AcceptedSet& set, const Error& why) const;
  // Only the task's state counts: what it emits, and its errors, do not.
  void warm_up(const stream::AcceptedSet& set);
  // Not run any more: its outcome is dead (the end of the input: it goes on without the task's last output).
  Processed quarantine(const stream::AcceptedSet& set, const Quarantined& quarantined);

 private:
  class Collector;

  Result<Frame> frame_of(const stream::WholeFrame& whole) const;
  Result<Processed> process_frames(const stream::AcceptedSet& set);
  Processed outcome(const stream::AcceptedSet& set, stream::Outcome outcome, const std::string& reason,
                    int attempts = 1) const;
  SetToSend dead_letter(const stream::AcceptedSet& set, const std::string& reason, int attempts) const;
  Processed end_of_input(const stream::AcceptedSet& set);
  void finish_task(const stream::AcceptedSet& set, Processed& out);
  Processed pass_end_on(const stream::AcceptedSet& set) const;
  Result<void> add_sets(const stream::AcceptedSet& set, Collector& collector, Processed& out) const;
  Result<void> add_frames(const stream::AcceptedSet& set, const stream::OutputSpec& output,
                          std::vector<stream::SetFrame> frames, Processed& out) const;
  Result<void> check_whole(const stream::AcceptedSet& set, const Frame& first) const;
  std::optional<Processed> not_one_tile(const stream::AcceptedSet& set, const stream::WholeFrame& tile,
                                        std::span<const std::pair<std::string, Frame>> emitted) const;
  stream::RecordHeader outcome_header(const stream::AcceptedSet& set) const;
  stream::SetIdentity identity(stream::OriginKey key) const;
  stream::TopicPartition home(const stream::OutputSpec& output, const stream::RecordHeader& header) const;

  Config config_;
  tasks::Task& task_;
  BufferPool& pool_;
  stream::ChunkLimits limits_;
  std::vector<std::string> released_;  // by the task, in a try that failed
};

}  // namespace ride::worker
