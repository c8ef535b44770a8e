// StageWriter: the last third of the data plane: sends the sets that frames led to, ACKs frames whose sets are
// delivered, sends the end on when all before it is ACKed, and publishes commits and progress. Threads: one inner
// thread, from start() to join(). Failure: a set that cannot be delivered ends the incarnation (the context's fail()).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "stream/set_queue.h"
#include "worker/commit_sink.h"
#include "worker/stage_context.h"

namespace ride::worker {

class StageWriter {
 public:
  using OnReleased = std::function<void(PartitionId)>;  // called on the inner thread

  StageWriter(StageContext& context, OnReleased on_released, const MakeCommitSink& commits);

  void start();
  void join();  // after context.stopping is set and the queues are closed
  // One round of the thread, for who has none: handles what is there, sends, publishes. It waits for nothing unless
  // `waits`. False: it is over.
  bool turn(bool waits);
  bool has_unpublished() const;  // a later turn is needed, though nothing comes

  CommitSink& committer() { return *committer_; }
  const CommitSink& committer() const { return *committer_; }

 private:
  void loop();
  void handle_events(bool waits);
  void publish_all();
  void write(const RecordRead& event);
  void write(const RecordsExpired& event);
  void write(WarmedUp event);
  void write(WasProcessed event);
  void write(const ReleaseRequested& event);
  void send(const OwnedPtr& owned, std::vector<PartitionFlow::Sending>&& sendings);
  void was_delivered(const OwnedPtr& owned, std::int64_t batch);
  void publish(const OwnedPtr& owned, bool now);
  void show_progress(OwnedPartition& owned) const;
  void report_waiting(OwnedPartition& owned, const stream::Commit& commit) const;
  void finish_release(const OwnedPtr& owned);
  void was_committed(const stream::TopicPartition& at, const stream::Commit& commit);

  StageContext& context_;
  OnReleased on_released_;
  stream::SetQueue sets_;
  std::map<PartitionId, OwnedPtr> writing_;  // that have been read from
  std::thread thread_;
  std::unique_ptr<CommitSink> committer_;  // last: its thread calls us for commits
};

}  // namespace ride::worker
