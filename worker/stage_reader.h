// StageReader: the first third of the data plane: polls the assigned partitions, lets the intake decide what is new,
// hands sets to the compute thread and what was read to the writer. Threads: one inner thread, from start() to join();
// the other methods may be called from any, and what they ask is done in their order. Failure: what keeps a partition
// from being read is told by the plane's notify.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/stage_plane.h"

namespace ride::worker {

class StageReader {
 public:
  explicit StageReader(StagePlane& plane) : plane_(plane) {}

  void start();
  void join();  // after plane.stopping is set and wake() was called

  void assign(const OwnedPtr& owned) { post({Command::Kind::assign, owned}); }
  // Reads no more of it.
  void unassign(const OwnedPtr& owned) { post({Command::Kind::unassign, owned}); }
  void pause(bool paused);
  void wake() { changed_.notify_all(); }

 private:
  struct Command {
    enum class Kind { assign, unassign } kind;
    OwnedPtr owned;
  };
  void post(Command command);
  void loop();
  void run_commands();
  void run(const Command& command);
  void read_one(stream::Record record);
  std::optional<Offset> last_of(const OwnedPtr& owned) const;
  void end_what_is_through();
  void end(const OwnedPtr& owned, Offset last);
  void warm_up(const OwnedPtr& owned, stream::Record record);
  void read_failed(const Error& error);
  bool pass_over_overtaken();
  bool pass_over_expired();
  void pass_over(const OwnedPtr& owned, Offset first);
  void read_from(const OwnedPtr& owned, Offset first);
  bool park(const OwnedPtr& owned, const stream::Record& record);
  void unpark();
  std::int64_t held_bytes() const;

  StagePlane& plane_;
  std::map<stream::TopicPartition, OwnedPtr> reading_;  // reader thread
  std::atomic<bool> paused_ = false;
  std::mutex mutex_;  // guards commands_
  std::condition_variable changed_;
  std::vector<Command> commands_;
  std::thread thread_;
};

}  // namespace ride::worker
