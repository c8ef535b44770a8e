// StageRunner: the data plane of one stage in one worker, seen from its control thread: read | run | write, three
// threads joined by queues that are bounded in bytes. Warm from the start: connected, topics known, a task opened.
// Threads: assign(), take(), release(), drop() and pause() belong to the control thread; progress(), stats() and
// failed() may be asked from any. Failure: failed() returns an error that ends the incarnation; what concerns frames is
// reported by Notify.
#pragma once

#include <optional>
#include <vector>

#include "worker/end_watch.h"
#include "worker/stage_compute.h"
#include "worker/stage_context.h"
#include "worker/stage_reader.h"
#include "worker/stage_writer.h"

namespace ride::worker {

struct StageStats {
  std::int64_t frames = 0;  // sets taken through the task, cumulative
  double busy_seconds = 0;  // that they took: decoded, processed, encoded; cumulative
  bool warm = false;
  std::int64_t read_queue_bytes = 0, write_queue_bytes = 0;
  std::int64_t refused_sets = 0, hidden_frames = 0;  // cumulative
};

class StageRunner {
 public:
  using Config = StageConfig;
  using OnReleased = StageWriter::OnReleased;

  StageRunner(Config config, StagePorts ports, Notify notify, OnReleased on_released);
  // Without threads: whoever made it takes turns (below), and has somebody write its commits.
  StageRunner(Config config, StagePorts ports, Notify notify, OnReleased on_released, const MakeCommitSink& commits);
  ~StageRunner();
  StageRunner(const StageRunner&) = delete;
  StageRunner& operator=(const StageRunner&) = delete;

  // Begins to own a partition, from its committed offset on. not_found: it has no commit, which is never guessed
  // (decision 0032).
  Result<void> assign(PartitionId partition, Epoch epoch);
  // The same, of one whose commit was asked for.
  Result<void> take(PartitionId partition, Epoch epoch, const stream::Commit& commit);
  // Finishes the frame that is being worked on and what is on its way out, commits, then says on_released (from an
  // inner thread). What was read and not begun is the next owner's.
  void release(PartitionId partition);
  // Stops at once: another one owns it now.
  void drop(PartitionId partition);
  void pause(bool paused) { reader_.pause(paused); }
  // Frames that must not be run (decision 0007). All of them at each call.
  void quarantine(std::map<FramePlace, Quarantined> quarantined) { context_.quarantine(std::move(quarantined)); }
  // Where the topic's partitions end, which others go on writing: what lies behind is not read, and the end goes on as
  // if a record had marked it. What was read already counts. All of them at each call.
  void end_at(std::map<PartitionId, Offset> ends) { context_.end_at(std::move(ends)); }

  // The highest session that each source was given. All of them at each call.
  void know_sessions(std::map<std::string, SessionId> sessions) { context_.know_sessions(std::move(sessions)); }
  // Somebody waits until the decisions were read to where their log ends now: the number of the question, to be
  // answered then, with know_sessions() before. The last answer's, when nobody waits.
  std::int64_t decisions_wanted() const { return context_.decisions_wanted; }
  void decisions_were_read(std::int64_t question) { context_.decisions_read = question; }

  std::vector<PartitionId> owned() const;
  std::vector<stream::PartitionProgress> progress() const;
  StageStats stats() const;
  std::optional<Error> failed() const;
  bool died_reading() const { return context_.died_reading; }  // of a record, which the crash note names
  bool died_at_work() const { return context_.died_reading || context_.died_computing; }  // of what the note names
  const Config& config() const { return context_.config; }

  // The parts, for who takes turns: prepare() of compute() first.
  StageReader& reader() { return reader_; }
  StageCompute& compute() { return compute_; }
  StageWriter& writer() { return writer_; }
  std::size_t sets_to_compute() const { return context_.to_compute.size(); }
  std::size_t events_to_write() const { return context_.to_write.size(); }

 private:
  stream::SetAssembler::Config assembler_config(const stream::TopicPartition& at) const;

  StageContext context_;
  const std::shared_ptr<std::uint64_t> turns_ = std::make_shared<std::uint64_t>(0);  // reader thread
  StageWriter writer_;
  StageCompute compute_;
  StageReader reader_;
  EndWatch ends_;
  const bool by_turns_;
};

}  // namespace ride::worker
