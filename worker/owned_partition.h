// OwnedPartition: one partition that a worker owns, in the parts that the threads of the data plane keep of it; and
// the table of those that are owned now. Threads: each part belongs to the thread that its struct names; `progress` and
// `committed` are shared under their mutex; the table may be asked from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "stream/control.h"
#include "stream/core/set_assembler.h"
#include "stream/ports.h"
#include "worker/core/partition_flow.h"
#include "worker/core/tile_gather.h"
#include "worker/core/tile_reread.h"
#include "worker/set_processor.h"
#include "worker/tasks/task.h"

namespace ride::worker {

struct OwnedPartition {
  // Reader thread.
  struct Reading {
    stream::SetAssembler assembler;
    Offset next;  // the record to read next
    // To be fetched again from `from` when so many bytes of pictures fit.
    struct Parked {
      Offset from;
      std::int64_t needs = 0;
      std::chrono::steady_clock::time_point since;
    };
    std::optional<Parked> parked;
    Offset unparked{-1};  // it has waited long enough with this record
    // An origin that is known too little of; fetched again when it is known.
    struct Doubting {
      Offset from;
      stream::Doubt doubt;
      std::optional<Offset> written_before;  // of what lies before it, all is known with the answer
      std::int64_t question = 0;
      std::chrono::steady_clock::time_point next_try;
    };
    std::optional<Doubting> doubting;
    std::int64_t repeats = 0;  // in a row, since the last that was taken
    // Of a stage that joins tiles.
    std::optional<TileGather> gather;
    // A picture that is complete, but for tiles that were let go: these are read again before the partition goes on.
    struct Rereading {
      TileReread tiles;
      Offset offset;  // the record that completed it, and what it led to
      stream::AssemblyStep step;
      std::int64_t bytes = 0;
      bool begun = false;                                  // else it waits for its turn: one at a time reads again
      std::chrono::steady_clock::time_point look_again{};  // whether the log still holds the next record
    };
    std::optional<Rereading> rereading;
    std::optional<stream::SetAssembler::Config> reread_with;
    std::int64_t forgotten = 0;  // of the gather's, reported
    // Before `start` the task is warmed up (decision 0012): a frame is taken once there, too.
    Offset start;
    std::unique_ptr<stream::SetAssembler> warming;
  };
  // Compute thread.
  struct Computing {
    std::unique_ptr<tasks::Task> task;
    std::unique_ptr<SetProcessor> processor;
    bool warm = false;      // a frame that counts was run
    bool given_up = false;  // what is still in the queue is not begun any more
  };
  // Writer thread.
  struct Writing {
    PartitionFlow flow;
    bool dirty = false;
    std::optional<stream::Commit> published;
    std::chrono::steady_clock::time_point published_at{}, shown_at{}, report_waiting_at{};
  };

  OwnedPartition(stream::TopicPartition where, Epoch epoch_now, const stream::Commit& commit,
                 const stream::CommitMetadata& metadata, stream::SetAssembler::Config assembler, int warmup_frames);

  const stream::TopicPartition at;
  const Epoch epoch;
  std::atomic<bool> dropped = false;  // another one owns it: nothing more may be done for it
  Reading reading;
  Computing computing;
  Writing writing;

  mutable std::mutex mutex;  // guards what follows
  stream::PartitionProgress progress;
  std::optional<stream::Commit> committed;  // as the store last took it
};

using OwnedPtr = std::shared_ptr<OwnedPartition>;

class OwnedPartitions {
 public:
  void put(const OwnedPtr& owned);
  OwnedPtr find(PartitionId partition) const;  // null when it is not owned
  void erase(const OwnedPtr& owned);           // unless another ownership of the partition has begun
  std::vector<OwnedPtr> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<PartitionId, OwnedPtr> owned_;
};

}  // namespace ride::worker
