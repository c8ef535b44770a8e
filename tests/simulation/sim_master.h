// SimMaster: a master process, as master/master_loop.cc and its neighbours have it: follows both control topics, stands
// by or leads (the real Leadership), and as the leader decides (the real decide and apply), appends, reads back,
// performs, ticks, cleans up, writes snapshots and truncates the decisions log behind them. Owner: its Host.
#pragma once

#include <deque>

#include "master/cleaner.h"
#include "master/core/apply.h"
#include "master/core/decide.h"
#include "master/core/leadership.h"
#include "master/core/snapshot.h"
#include "tests/simulation/control_feed.h"
#include "tests/simulation/log_ports.h"
#include "tests/simulation/plan_watch.h"
#include "tests/simulation/writer.h"

namespace ride::simulation {

class SimMaster final : public Program {
 public:
  struct Config {
    std::string id;           // of this process start
    bool round_trip = false;  // every decision goes through its JSON and back
    std::int64_t snapshot_records = 5000;
    PlanWatch& watch;
    std::function<void()> writes_snapshot;  // its first record is about to go out
    std::function<void(const std::string& why)> end;
  };
  SimMaster(Surroundings& around, Host& host, Config config);

  void network_is_back() override;
  bool leads() const { return leading_; }
  void ask(master::Event request) {
    events_.push_back(std::move(request));
    proceed();
  }

 private:
  using Contents = std::vector<ContentPtr>;

  void take_decision(const Stored& stored);
  void decisions_taken();
  void begin_again();
  void take_report(const Stored& stored);
  void round();
  void proceed();
  bool waits() const;
  void append_is_done();
  void change_role();
  void note_ticks(const std::vector<master::Event>& events);
  void seek_leadership();
  void perform(const master::Action& action);
  void append(const std::vector<stream::DecisionBody>& decisions, const stream::Claim& claim);
  ContentPtr content_of(const stream::Claim& claim, stream::DecisionBody body);
  void post(ContentPtr content, std::function<void()> acknowledged = {});
  void post_snapshot(Contents parts, std::size_t next);
  void truncate(Offset before);
  void make_topics(std::shared_ptr<const stream::JobSpec> spec);
  void tick();
  void clean();
  master::Leadership::Moment now() const;

  Surroundings& around_;
  Host& host_;
  Config config_;
  master::State state_;
  master::Leadership leadership_;
  bool leading_ = false;  // as the core knows it
  bool taken_ = false;    // ... which has not been reported yet
  bool writing_ = false, ticking_ = false;
  std::string log_id_;
  std::int64_t term_ = 0;                                     // epoch of our claim ...
  std::int64_t written_ = 0, read_ = 0, unacknowledged_ = 0;  // ... our records under it
  master::Leadership::Moment asked_at_{};
  std::int64_t tick_number_ = 0;
  std::vector<master::Event> events_;
  std::deque<master::Action> actions_;
  master::SnapshotPlace snapshot_;
  Writer writer_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<stream::CommitStore> commits_;
  master::Cleaner cleaner_;
  ControlFeed decisions_, reports_;
};

}  // namespace ride::simulation
