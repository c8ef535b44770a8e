// Decider: how a master deals with the decisions log, as a state machine that has no thread and no client, and waits
// for nothing. It takes what was read, seeks leadership (Leadership), and while it leads decides (decide()), wants the
// decisions written, goes on when it has read them back and applied them, and only then performs the next action
// (decision 0031). Whoever owns it does what step() says and tells what came of it: MasterLoop on its thread, the
// simulator on its scheduler. Owner: one thread. Failure: the error of a function ends the master; losing leadership is
// none, nor is a record that somebody else wrote (decision 0021).
//
//              actions                 acknowledged              read back
//   at_rest ───────────▶ write ─▶ sent ────────────▶ read_back ───────────▶ at_rest
//                          ▲       │ not in time         │ deposed meanwhile, or a claim that was not read in time
//                          │       ▼                     ▼
//                          └──── settle ──────────────▶ at_rest
//   sent, settle, read_back ─▶ broken ─▶ at_rest: the writer failed for good, or what it took does not stand in the
//                              log; with a new one this master is another candidate
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/log.h"
#include "common/steady_wall.h"
#include "master/core/concerns.h"
#include "master/core/decide.h"
#include "master/core/leadership.h"
#include "master/core/snapshot.h"
#include "stream/core/decisions_filter.h"

namespace ride::master {

// What the decider asks for and tells; called by its functions, on their thread. None may wait, or call it back.
class DeciderPorts {
 public:
  virtual ~DeciderPorts() = default;
  virtual void ensure(const EnsureTopics& topics) = 0;
  virtual void remove(const DeleteTopics& topics) = 0;
  virtual void truncate(Offset before) = 0;  // the decisions log

  // A request may lead to a decision from here on. False: who asked has got another answer.
  virtual bool take_request(std::int64_t ticket) = 0;
  virtual void answer(const Answer& answer) = 0;
  virtual void drop_requests() = 0;  // nobody will answer those that wait

  // What people should know, and figures.
  virtual void counted(const stream::Decision& decision, SystemTime at, bool mine,
                       const std::vector<Concern>& concerns) = 0;
  virtual void refused(stream::Refused kind, const std::string& why) = 0;  // a record, which changes nothing
  virtual void heard(const ReportRead& report) = 0;
  virtual void told(const Notify& notify) = 0;
  virtual void log(LogLevel level, const std::string& text) = 0;
  virtual void count(const char* metric) = 0;
  virtual void observe(const char* metric, double seconds) = 0;
};

class Decider {
 public:
  struct Config {
    std::string id;       // of this process start
    std::string http;     // where the API is, as others reach it
    std::string new_log;  // the id of the log, if this master finds none there
    Rules rules;
    Leadership::Rules leadership;
  };
  enum class Step {
    at_rest,    // read what is there, then turn() with what happened
    write,      // take_records(), append them all, acknowledged together; then wrote()
    sent,       // ... which has not been told yet
    settle,     // wait until what is on its way has arrived; then settled()
    read_back,  // read on, then turn()
    broken,     // make another writer; then writer_made()
  };
  // `random`: in [0, 1).
  Decider(Config config, DeciderPorts& ports, Clock clock, std::function<double()> random);

  // ---- what was read, in log order
  Result<void> take(Offset at, SystemTime timestamp, const stream::Decision& decision);
  void take_unreadable(Offset at, const Error& why);
  // All that stood in the log when it was opened, or after overtaken(), has been taken.
  void caught_up();
  // The log was truncated beyond what had been read: we slept, and another master leads. What was known is dropped; the
  // log begins with a snapshot.
  void overtaken();

  // ---- what to do now
  Step step() const { return step_; }
  // Whether turn() takes events now; others have to wait: before all is read they would be misunderstood.
  bool takes_events() const { return step_ == Step::at_rest && !reads_first(); }
  bool reads_first() const { return leadership_.role() == Leadership::Role::reading; }
  void turn(std::vector<Event> events);
  std::vector<stream::Decision> take_records();
  // Where the last of them stands. Retriable: not acknowledged in time; what was sent is on its way.
  Result<void> wrote(const Result<Offset>& last);
  Result<void> settled(const Result<void>& outcome);
  void writer_made() { step_ = Step::at_rest; }

  // ---- what others see
  struct Status {
    Leadership leadership;
    std::string log;       // id; empty while it is unknown
    bool stalled = false;  // we lead, and Kafka takes no decisions
    std::chrono::milliseconds tick_interval{100};
    // The tick to send now; nothing when this master may not (decision 0008).
    std::optional<stream::Report> tick(std::int64_t number, Leadership::Moment now) const;
  };
  Status status() const;
  const State& state() const { return state_; }
  bool leads() const { return leadership_.leads(); }
  bool stalled() const { return stalled_; }
  // What a leader that ends writes, last of all, so that nobody has to wait.
  std::optional<stream::Decision> farewell() const;

 private:
  Leadership::Moment now() const;
  double seconds_since(SteadyWall::Moment begin) const;

  void counted(const stream::Decision& decision, Offset at, SystemTime timestamp, bool mine,
               const std::vector<Concern>& concerns);
  Result<void> unreadable_snapshot(Offset at);
  void refuse(stream::Refused kind, Offset at, const std::string& why);

  void note(const std::vector<Event>& events);
  void look_at_writing();
  void read_back_is_done();
  bool go_on();
  void decide_about(const std::vector<Event>& events);
  void perform(const Action& action);
  void seek_leadership();
  void change_role();
  void take_requests(std::vector<Event>& events);
  void refuse_requests(const std::vector<Event>& events);

  void write(const std::vector<stream::DecisionBody>& decisions, const stream::Claim& claim);
  Result<void> replace_writer(const Error& why);
  void step_down(const std::string& why);
  void stall(const std::string& why);
  void stall_is_over();

  Config config_;
  DeciderPorts& ports_;
  Clock clock_;
  std::function<double()> random_;
  SteadyWall wall_;  // of decisions and their deadlines
  State state_;
  Leadership leadership_;
  bool leading_ = false;   // as the core knows it: since LeadershipTaken
  std::string log_id_;     // empty until the first record is read or written
  std::int64_t term_ = 0;  // epoch of our claim ...
  // ... decisions under it: sent by us, and seen in the log. Not claims: one that was given up may land or not.
  std::int64_t written_ = 0, read_ = 0;
  Offset next_;  // of the decisions log: all before it has been taken
  stream::KnownBefore before_;
  int writers_ = 1;  // that we had
  SnapshotPlace snapshot_;

  Step step_ = Step::at_rest;
  std::vector<Event> events_;              // not looked at yet
  std::deque<Action> actions_;             // decided, not performed yet
  bool takes_over_ = false;                // the core has to learn that we lead
  bool claims_ = false;                    // what is being written is a claim that does not stand yet
  std::vector<stream::Decision> records_;  // to be written
  Offset last_;                            // where the last of them stands
  Leadership::Moment sent_{};
  SteadyWall::Moment began_, acknowledged_;
  bool stalled_ = false;
  SteadyWall::Moment stalled_since_;
};

}  // namespace ride::master
