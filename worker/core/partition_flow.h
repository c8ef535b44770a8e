// PartitionFlow: what of one owned partition is on its way: read, being computed, being sent. Says what to send, when a
// frame is ACKed, when the end goes on (decision 0040), what may be committed, and when nothing is left to do before a
// partition is handed over. The simulator runs it, too.
// Pure: no I/O, clock or threads. Owner: the thread that writes. Call order: read() for every record, in offset order;
// processed() once for each accepted set, in the same order; delivered() once for each set that was to be sent.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "stream/core/record.h"
#include "worker/core/processed.h"

namespace ride::worker {

class PartitionFlow {
 public:
  // A set to be sent; `batch` is said again with delivered().
  struct Sending {
    SetToSend set;
    std::int64_t batch = 0;
  };

  PartitionFlow(Offset start, stream::CommitMetadata metadata, int warmup_frames = 0)
      : window_(start, std::move(metadata), warmup_frames) {}

  void read(Offset offset, const stream::AssemblyStep& step);
  // Retention took the records up to `first` (see AckWindow).
  void expire(Offset first, const std::vector<Offset>& settled);
  void warmed_up_with(const std::string& source, Offset first) { window_.warmed_up_with(source, first); }
  void mark_warm() { window_.mark_warm(); }
  // What it returns is to be sent in this order.
  std::vector<Sending> processed(Processed result);
  std::vector<Sending> delivered(std::int64_t batch);

  // The partition is to be handed over: nothing more is read, and what was read and is not processed yet never will be.
  // The next owner begins there.
  void give_up() {
    given_up_ = true;
    processing_ = 0;
  }
  bool handed_out() const { return given_up_ && idle(); }  // all that was read is done: the last commit may go
  bool idle() const { return processing_ == 0 && in_flight_ == 0 && ends_.empty(); }

  bool ended() const { return window_.ended(); }

  stream::Commit commit() const { return {window_.committable(), stream::pack(window_.metadata())}; }
  // Whether more than a cluster is known to take travels with it: then an earlier commit stands for longer, which a
  // next owner does some work again for, and no more.
  bool is_too_large(const stream::Commit& commit, const std::vector<stream::UpstreamSpec>& upstreams) const;
  const AckWindow& window() const { return window_; }
  const std::map<Offset, SystemTime>& unacked() const { return unacked_; }  // capture times, by what released the set

 private:
  struct Batch {
    Offset released_by;
    std::size_t left = 0;
    Counted counted = Counted::acked;
    bool acks = false, is_end = false;
  };

  std::vector<Sending> begin(Batch batch, std::vector<SetToSend> sets);
  std::vector<Sending> finish(const Batch& batch);
  std::vector<Sending> send_ready_end();
  void let_go(Offset released_by, Counted counted);
  void ack(Offset released_by, Counted counted);

  AckWindow window_;
  std::map<Offset, SystemTime> unacked_;
  std::map<std::int64_t, Batch> batches_;
  std::deque<std::pair<Offset, std::vector<SetToSend>>> ends_;
  std::map<std::string, std::vector<std::pair<Offset, Counted>>> held_;  // by group, until the task releases it
  std::int64_t last_batch_ = 0, processing_ = 0, in_flight_ = 0;
  bool given_up_ = false;
};

}  // namespace ride::worker
