// StageContext: what the threads of one stage's data plane have in common: its configuration, its ports, the two
// queues that join read, run and write, and how a failure is reported. Threads: all; what is not const is safe to
// share. Life: made before the threads that use it, gone after them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/crash_note.h"
#include "common/plugin_permit.h"
#include "stream/control.h"
#include "stream/core/set_assembler.h"
#include "worker/artifact_fetch.h"
#include "worker/byte_queue.h"
#include "worker/core/assignment_view.h"
#include "worker/owned_partition.h"
#include "worker/stage_ports.h"
#include "worker/tasks/task_registry.h"

namespace ride::worker {

struct StageConfig {
  JobName job;
  RunNumber run;
  bool finite = false;  // the job ends by itself: a sink that stays blocked fails it
  stream::StageSpec stage;
  WorkerId worker;
  Clock clock;
  std::int64_t read_queue_bytes = 16 << 20;
  std::int64_t write_queue_bytes = 32 << 20;
  std::int64_t held_bytes = std::int64_t{2} << 30;   // of all unfinished sets; one alone may be larger
  std::int64_t set_bytes = std::int64_t{4} << 30;    // of one
  std::chrono::milliseconds space_patience{10'000};  // while open sets do not grow; then the oldest is given up
  bool drop_duplicates = true;                       // see stream::SetAssembler::Config
  bool checks_sessions = false;                      // sources write only in sessions that know_sessions() named
  std::map<std::string, std::string>
      upstream_topics;        // of stages that write into this one's topic; absent: not checked
  tasks::TaskType task;       // that of the stage; without `make`: this worker has none of its name
  CrashNote* note = nullptr;  // of the process; null: nobody would read it
  PluginPermit plugins;       // that jobs bring and this worker may load
  FetchArtifact fetch;        // brings the files that the job has with it; empty: nobody does
  std::chrono::milliseconds fetch_patience{60'000};  // with brokers that are away or a full disk: a finite job fails
};

using Notify =
    std::function<void(stream::Severity, const std::string& code, const std::string& text, bool fatal_for_job)>;

// read → run. No set: the partition is given up; what of it was not begun is left to the next owner.
struct ToCompute {
  OwnedPtr owned;
  std::optional<stream::AcceptedSet> set;
  bool warmup = false;  // feed the task, and nothing else
};

// read → write: the step comes without pictures.
struct RecordRead {
  OwnedPtr owned;
  Offset offset;
  stream::AssemblyStep step;
};
// read → write: the log begins at `first` now.
struct RecordsExpired {
  OwnedPtr owned;
  Offset first;
  std::vector<Offset> settled;
};
// run → write.
struct WasProcessed {
  OwnedPtr owned;
  Processed result;
};
// run → write: the task has seen a frame from before the start; no frame: it is warm.
struct WarmedUp {
  OwnedPtr owned;
  std::string source;
  std::optional<Offset> first;
};
struct ReleaseRequested {
  OwnedPtr owned;
};
using ToWrite = std::variant<RecordRead, RecordsExpired, WarmedUp, WasProcessed, ReleaseRequested>;

struct StageContext {
  StageContext(StageConfig config_of_it, StagePorts ports_of_it, Notify notify_with)
      : config(std::move(config_of_it)),
        ports(std::move(ports_of_it)),
        notify(std::move(notify_with)),
        to_compute(config.read_queue_bytes),
        to_write(config.write_queue_bytes) {}

  // The first error that ends the incarnation is kept.
  void fail(Error error) {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
  }
  std::optional<Error> failed() const {
    const std::lock_guard lock(mutex);
    return failure;
  }

  // Frames that two workers have ended with, by their place.
  void quarantine(std::map<FramePlace, Quarantined> quarantined_now) {
    const std::lock_guard lock(mutex);
    quarantined = std::move(quarantined_now);
    some_quarantined = !quarantined.empty();
  }
  std::optional<Quarantined> is_quarantined(PartitionId partition, Offset offset) const {
    if (!some_quarantined) return std::nullopt;  // asked for every record
    const std::lock_guard lock(mutex);
    const auto found = quarantined.find({partition, offset});
    return found == quarantined.end() ? std::nullopt : std::optional(found->second);
  }

  // Where the topic ends for a job that drains, while others go on writing.
  void end_at(std::map<PartitionId, Offset> ends_now) {
    const std::lock_guard lock(mutex);
    ends = std::move(ends_now);
    some_ends = !ends.empty();
  }
  bool has_ends() const { return some_ends; }
  std::optional<Offset> end_of(PartitionId partition) const {
    if (!some_ends) return std::nullopt;  // asked for every record
    const std::lock_guard lock(mutex);
    const auto found = ends.find(partition);
    return found == ends.end() ? std::nullopt : std::optional(found->second);
  }

  // The sessions that the sources were given, as far as the decisions were read.
  void know_sessions(std::map<std::string, SessionId> sessions_now) {
    const std::lock_guard lock(mutex);
    sessions = std::move(sessions_now);
  }
  std::map<std::string, SessionId> known_sessions() const {
    const std::lock_guard lock(mutex);
    return sessions;
  }

  // That of a plug-in which the job brings, once it is loaded; before that we own no partition.
  const tasks::TaskType& task() const {
    const auto* brought = brought_task.load();
    return brought == nullptr ? config.task : *brought;
  }
  void use(tasks::TaskType task) {  // once
    const std::lock_guard lock(mutex);
    kept_task = std::make_unique<const tasks::TaskType>(std::move(task));
    brought_task = kept_task.get();
  }
  bool has_brought_task() const { return brought_task.load() != nullptr; }

  const StageConfig config;
  StagePorts ports;
  const Notify notify;
  OwnedPartitions owned;
  ByteQueue<ToCompute> to_compute;
  ByteQueue<ToWrite> to_write;
  std::atomic<bool> stopping = false;
  std::atomic<bool> died_reading = false;    // the reader thread is gone, and the crash note names its last record
  std::atomic<bool> died_computing = false;  // the same of the compute thread and its frame
  // The reader asks that the decisions be read to where their log ends now, by raising the first; the control thread
  // answers by raising the second to it.
  std::atomic<std::int64_t> decisions_wanted = 0, decisions_read = 0;
  std::atomic<std::int64_t> refused_sets = 0, hidden_frames = 0;  // so far

 private:
  mutable std::mutex mutex;
  std::optional<Error> failure;
  std::map<FramePlace, Quarantined> quarantined;
  std::map<PartitionId, Offset> ends;
  std::map<std::string, SessionId> sessions;
  std::atomic<bool> some_ends = false, some_quarantined = false;
  std::unique_ptr<const tasks::TaskType> kept_task;
  std::atomic<const tasks::TaskType*> brought_task = nullptr;
};

}  // namespace ride::worker
