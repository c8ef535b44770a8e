// WorkBudget: the reading of items (a file, a record, a film) that goes on in this process, all its sources together.
// It keeps the memory that decoding takes within one limit, and names in the crash note what is being read, so that an
// item that ends the process is known (decision 0020). ItemWatch is one source's view of it. Owner: Producer. Threads:
// any; a Lease belongs to the thread that asked. Failure: none; who cannot have what it needs waits.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "common/crash_note.h"
#include "producer/core/assignments.h"

namespace ride::producer {

class WorkBudget {
 public:
  // `note` null: nobody would read it. It outlives the budget.
  explicit WorkBudget(std::int64_t memory_bytes, CrashNote* note = nullptr)
      : memory_bytes_(memory_bytes), note_(note) {}

  // One item is being read as long as this lives.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          place_(other.place_),
          alone_(other.alone_),
          bytes_(other.bytes_) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    // Waits until the others have left so much memory. What is more than all of it is taken while nobody else has any.
    // Once.
    void reserve(std::int64_t bytes);

   private:
    friend class WorkBudget;
    Lease(WorkBudget* budget, int place, bool alone) : budget_(budget), place_(place), alone_(alone) {}
    WorkBudget* budget_;
    int place_;  // in the note; -1: it is not named
    bool alone_;
    std::int64_t bytes_ = 0;
  };

  // `alone`: while nothing else is read, so that an end of the process is this item's doing. Neither waits for ever: a
  // source that hangs must not stop the others.
  Lease enter(const FrameAtWork& item, bool alone);
  std::int64_t memory_bytes() const { return memory_bytes_; }

 private:
  static constexpr std::chrono::seconds kPatience{10};
  int free_place() const;

  const std::int64_t memory_bytes_;
  CrashNote* note_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<bool, CrashNote::kPlaces> taken_{};
  int inside_ = 0, want_alone_ = 0;
  bool alone_ = false;
  std::int64_t used_bytes_ = 0;
};

class ItemWatch {
 public:
  ItemWatch(WorkBudget& budget, JobName job, RunNumber run, std::string source, StruckItems struck)
      : budget_(budget), job_(std::move(job)), run_(run), source_(std::move(source)), struck_(std::move(struck)) {}

  // Why this item must not be read, if so: the cause of a RejectedItem.
  std::optional<std::string> quarantined(PartitionId partition, Offset offset) const;
  // The first one of all that are: a film cannot be read without some of its frames.
  std::optional<std::string> any_quarantined() const;
  // What was struck before is read alone.
  WorkBudget::Lease enter(PartitionId partition, Offset offset, const std::string& name);
  std::int64_t memory_bytes() const { return budget_.memory_bytes(); }

 private:
  WorkBudget& budget_;
  const JobName job_;
  const RunNumber run_;
  const std::string source_;
  const StruckItems struck_;
};

}  // namespace ride::producer
