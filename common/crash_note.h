// Crash note: what a child is working on, in memory that it shares with whoever started it, so that it can be read
// after the child has crashed, hangs or was killed (decision 0007). The agent makes the memory (no file: nothing is
// left behind) and lets the child inherit its descriptor, whose number stands in RIDE_CRASH_NOTE. It has several
// places, for a child that works on several things at once. Threads: enter(), leave() and progress() of one place
// belong to the one thread that works there, reading() and has_read() to the one that reads; read() and being_read()
// may be called at any time. Failure: a child without a note works without one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"

namespace ride {

inline constexpr const char* kCrashNoteVariable = "RIDE_CRASH_NOTE";

// Stands for a frame's id where a record was being read and it is not known which frame it is, if any.
inline constexpr const char* kRecordBeingRead = "(a record that was being read)";

// The frame inside process(), or what a source reads.
struct FrameAtWork {
  JobName job;
  RunNumber run;
  StageName stage;  // or the source
  PartitionId partition;
  Offset offset;  // whose reading released it: the same for every owner. Of a file or a film: the number of its frame
  std::string frame;  // "gate/3/1042", for people; "record plates/0/17" of a source
  bool operator==(const FrameAtWork&) const = default;
};

// As read: `moved` changes with every new frame and every sign of progress.
struct WorkNoted {
  FrameAtWork at;
  std::uint64_t moved = 0;
  std::chrono::milliseconds allowed{0};  // without progress, until it counts as hung
};

class CrashNote {
 public:
  // In the process that starts children.
  static Result<CrashNote> make();
  // In the child: the note that it was given; null when it was started without one.
  static std::unique_ptr<CrashNote> inherited();

  CrashNote(CrashNote&& other) noexcept;
  CrashNote& operator=(CrashNote&& other) noexcept;
  ~CrashNote();

  int descriptor() const { return descriptor_; }  // for the child to inherit; -1 in the child
  void clear();                                   // before another child gets it

  static constexpr int kPlaces = 16;
  void enter(const FrameAtWork& frame, std::chrono::milliseconds allowed, int place = 0);
  void progress();  // of the first place
  void leave(int place = 0);
  std::optional<WorkNoted> read(int place = 0) const;
  std::vector<WorkNoted> read_all() const;

  // Whose records are read from now on; between has_read() and reading().
  void reads_for(const JobName& job, RunNumber run, const StageName& stage);
  // The record whose headers are looked at: a few stores each. Who dies of it leaves it named.
  void reading(PartitionId partition, Offset offset);
  void has_read();
  std::optional<FrameAtWork> being_read() const;

  // From now on the process ends because it has to (it was declared lost, a connection failed), whatever it is working
  // on: an exit says nothing about what is named here. A signal still does.
  void end_in_order();
  bool ends_in_order() const;

  // What the stage lets its worker have; 0: no limit.
  void limit_memory(std::int64_t bytes);
  std::int64_t memory_limit() const;

 private:
  struct Page;
  CrashNote(Page* page, int descriptor) : page_(page), descriptor_(descriptor) {}

  Page* page_ = nullptr;
  int descriptor_ = -1;
};

}  // namespace ride
