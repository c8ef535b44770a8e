// StageReader: the first third of the data plane: polls the assigned partitions, lets the assembler decide what is
// new, hands sets to the compute thread and what was read to the writer. Threads: one inner thread, from start() to
// join(); the other methods may be called from any, and what they ask is done in their order. Failure: what keeps a
// partition from being read is reported by the context's notify; an exception ends the incarnation (the context's
// fail()), and the record that was looked at stays named in the crash note.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/stage_context.h"

namespace ride::worker {

class StageReader {
 public:
  explicit StageReader(StageContext& context) : context_(context) {}

  void start();
  void join();  // after context.stopping is set and wake() was called
  // One round of the thread, for who has none: does what was asked, and reads a record. It waits for nothing unless
  // `waits`. False: there was none.
  bool turn(bool waits);
  bool has_waiting() const { return some_doubts_ || rests_until_; }  // a later turn is needed, though nothing comes

  void assign(const OwnedPtr& owned) { post({Command::Kind::assign, owned}); }
  // Stops reading it.
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
  bool rests();
  void run_commands();
  void run(const Command& command);
  void read_one(const stream::Record& record);
  void begin_work(const stream::Record& record);
  void end_work();
  bool is_unread(const stream::Record& record) const;
  stream::AssemblyStep assemble(const OwnedPtr& owned, const stream::Record& record);
  void pass_on(const OwnedPtr& owned, Offset offset, stream::AssemblyStep step, std::int64_t bytes);
  std::optional<Offset> last_of(const OwnedPtr& owned) const;
  void end_what_is_through();
  void end(const OwnedPtr& owned, Offset last);
  void warm_up(const OwnedPtr& owned, stream::AssemblyStep step, std::int64_t bytes);
  void read_failed(const Error& error);
  bool pass_over_overtaken();
  bool pass_over_expired();
  void pass_over(const OwnedPtr& owned, Offset first);
  void read_from(const OwnedPtr& owned, Offset first);
  bool park(const OwnedPtr& owned, const stream::Record& record);
  void unpark();
  void free_space();
  std::int64_t tile_bytes() const;
  void fit_tiles();
  void reread(const OwnedPtr& owned, Offset offset, stream::AssemblyStep step, std::int64_t bytes);
  void reread_one(const OwnedPtr& owned, const stream::Record& record);
  bool can_reread(const OwnedPtr& owned, Offset first);
  void begin_rereading();
  void finish_rereading(const OwnedPtr& owned);
  std::int64_t announced_bytes() const;
  void learn_sessions(stream::SetAssembler& assembler) const;
  void wait_for_knowledge(const OwnedPtr& owned, Offset at, const stream::Doubt& doubt);
  void ask_for_knowledge();
  bool is_answered(OwnedPartition& owned);
  Result<Offset> end_of_log(const stream::TopicPartition& at) const;

  // Reported at once, then once in a while, with how often it happened meanwhile.
  struct RepeatedNotice {
    stream::Severity severity = stream::Severity::error;
    std::int64_t count = 0;
    std::chrono::steady_clock::time_point next{};
  };
  template <class Words>
  void report(RepeatedNotice& notice, const char* code, Words words, std::int64_t times = 1);
  void report_step(const OwnedPtr& owned, Offset offset, const stream::AssemblyStep& step);

  struct AtWork {
    stream::TopicPartition at;
    Offset offset;
  };

  StageContext& context_;
  // Reader thread.
  std::map<stream::TopicPartition, OwnedPtr> reading_;
  std::optional<AtWork> at_work_;  // the record whose headers are looked at
  bool some_doubts_ = false;
  std::optional<std::chrono::steady_clock::time_point> rests_until_;  // what failed is not tried again at once
  std::int64_t held_at_last_look_ = 0;
  std::chrono::steady_clock::time_point grew_at_{};
  RepeatedNotice refused_, given_up_, hidden_, repeated_, superseded_{.severity = stream::Severity::warning},
      not_frames_{.severity = stream::Severity::warning}, forgotten_{.severity = stream::Severity::warning};

  std::atomic<bool> paused_ = false;
  std::mutex mutex_;  // guards commands_
  std::condition_variable changed_;
  std::vector<Command> commands_;
  std::thread thread_;
};

}  // namespace ride::worker
