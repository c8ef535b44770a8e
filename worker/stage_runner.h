// StageRunner: the data plane of one stage in one worker: read | run | write, three threads joined by queues that are
// bounded in bytes. Warm from open() on: connected, topics known, one task opened.
// Threads: take(), release(), drop() and pause() belong to the control thread; progress(), stats() and failed() may be asked
// from any. Failure: failed() tells of an error that ends the incarnation; what concerns frames is told by Notify.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "stream/control.h"
#include "stream/core/intake.h"
#include "stream/kafka/client_config.h"
#include "stream/ports.h"
#include "stream/set_queue.h"
#include "worker/byte_queue.h"
#include "worker/committer.h"
#include "worker/core/ack_window.h"
#include "worker/set_processor.h"
#include "worker/tasks/task.h"

namespace ride::worker {

// The log as a stage sees it; Kafka or memory.
struct StagePorts {
  std::shared_ptr<stream::RecordReader> reader;
  std::shared_ptr<stream::RecordWriter> writer;
  std::shared_ptr<stream::CommitStore> commits;
  std::function<std::optional<Offset>(const stream::TopicPartition&)> end_of;
};
Result<StagePorts> open_kafka_ports(const kafka::ClientConfig& config, const stream::StageSpec& stage);

struct StageStats {
  std::int64_t frames = 0;   // sets taken through the task, cumulative
  double busy_seconds = 0;   // inside process(), cumulative
  bool warm = false;
};

class StageRunner {
 public:
  struct Config {
    JobName job;
    RunNumber run;
    bool finite = false;            // the job ends by itself: a sink that stays blocked fails it
    stream::StageSpec stage;
    WorkerId worker;
    std::int64_t read_queue_bytes = 32 << 20;
    std::int64_t write_queue_bytes = 64 << 20;
    std::int64_t held_bytes = std::int64_t{2} << 30;  // of unfinished sets
    bool drop_duplicates = true;    // see stream::Intake::Config
  };
  using Notify = std::function<void(stream::Severity, const std::string& code, const std::string& text, bool fatal_for_job)>;
  using OnReleased = std::function<void(PartitionId)>;

  StageRunner(Config config, StagePorts ports, Notify notify, OnReleased on_released);
  ~StageRunner();
  StageRunner(const StageRunner&) = delete;
  StageRunner& operator=(const StageRunner&) = delete;

  // Begins to own a partition, from its committed offset on. not_found: it has no commit, which is never guessed (D5).
  Result<void> take(PartitionId partition, Epoch epoch);
  // Finishes what was read, commits it, then says on_released (from an inner thread).
  void release(PartitionId partition);
  // Stops at once: another one owns it now.
  void drop(PartitionId partition);
  void pause(bool paused);

  std::vector<PartitionId> owned() const;
  std::vector<stream::PartitionProgress> progress() const;
  StageStats stats() const;
  std::optional<Error> failed() const;
  const Config& config() const { return config_; }

 private:
  struct Owned;
  using OwnedPtr = std::shared_ptr<Owned>;
  struct ToCompute {
    OwnedPtr owned;
    std::optional<stream::AcceptedSet> set;  // none: a release passes through behind all that was read
  };
  struct WasRead {
    OwnedPtr owned;
    Offset offset;
    stream::IntakeStep step;  // without pictures
  };
  struct WasProcessed {
    OwnedPtr owned;
    Processed result;
  };
  struct MustRelease {
    OwnedPtr owned;
  };
  using ToWrite = std::variant<WasRead, WasProcessed, MustRelease>;

  void read_loop();
  void run_commands();
  void read_one(stream::Record record);
  void read_failed(const Error& error);
  bool park(const OwnedPtr& owned, const stream::Record& record);
  void unpark();
  std::int64_t held_bytes() const;

  void compute_loop();
  void compute(ToCompute item);
  Result<tasks::Task*> task_of(Owned& owned);
  Result<std::unique_ptr<tasks::Task>> open_task();

  void write_loop();
  void write(WasRead event);
  void write(WasProcessed event);
  void write(MustRelease event);
  void acked(const OwnedPtr& owned, Offset released_by, Counted counted);
  void send_ready_end(const OwnedPtr& owned);
  void publish(const OwnedPtr& owned, bool now);
  void fail(Error error);

  Config config_;
  StagePorts ports_;
  Notify notify_;
  OnReleased on_released_;

  mutable std::mutex mutex_;  // guards owned_, commands_, failure_
  std::map<PartitionId, OwnedPtr> owned_;
  struct Command {
    enum class Kind { assign, unassign, release } kind;
    OwnedPtr owned;
  };
  std::vector<Command> commands_;
  std::optional<Error> failure_;
  std::condition_variable command_;

  std::map<stream::TopicPartition, OwnedPtr> reading_;  // reader thread
  ByteQueue<ToCompute> to_compute_;
  ByteQueue<ToWrite> to_write_;
  BufferPool pool_;
  std::unique_ptr<tasks::Task> spare_task_;  // compute thread
  stream::SetQueue sets_;                    // writer thread
  std::map<PartitionId, OwnedPtr> writing_;  // writer thread
  std::atomic<bool> stopping_ = false, paused_ = false, warm_ = false;
  std::atomic<std::int64_t> frames_ = 0, busy_ns_ = 0;
  std::unique_ptr<Committer> committer_;
  std::thread reader_thread_, compute_thread_, writer_thread_;
};

}  // namespace ride::worker
