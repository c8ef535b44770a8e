// SimMaster: a master process, as master/owner.cc and its neighbours have it: reads both control topics, claims leadership
// when nobody ticks, and as the leader decides (the real decide and apply), appends, reads back, performs, ticks and cleans
// up. Owner: its Host.
#pragma once

#include <deque>

#include "master/cleaner.h"
#include "master/core/apply.h"
#include "master/core/decide.h"
#include "tests/simulation/control_feed.h"
#include "tests/simulation/log_ports.h"
#include "tests/simulation/writer.h"

namespace ride::simulation {

class SimMaster final : public Program {
 public:
  struct Config {
    std::string id;  // of this process start
    bool round_trip = false;  // every decision goes through its JSON and back
    std::function<void(const std::string& why)> end;
  };
  SimMaster(Surroundings& around, Host& host, Config config);

  void network_is_back() override;
  bool leads() const { return leading_; }
  const master::State& state() const { return state_; }
  void ask(master::Event request) {
    events_.push_back(std::move(request));
    proceed();
  }

 private:
  void take_decision(const Stored& stored);
  void take_report(const Stored& stored);
  void decisions_taken();
  void begin_again();
  void watch_leader();
  void claim();
  void proceed();
  void perform(const master::Action& action);
  void append(const std::vector<stream::DecisionBody>& decisions);
  void make_topics(std::shared_ptr<const stream::JobSpec> spec);
  void tick();
  void clean();
  bool is_standing(std::int64_t epoch, const std::string& leader) const;

  Surroundings& around_;
  Host& host_;
  Config config_;
  master::State state_;
  stream::Claim claim_;
  bool leading_ = false, claiming_ = false, ticking_ = false;
  Time heard_at_, patience_, asked_at_{0};
  std::int64_t written_ = 0, read_ = 0;  // own decisions: sent, and seen in the log
  std::int64_t tick_number_ = 0;
  std::vector<master::Event> events_;
  std::deque<master::Action> actions_;
  Writer writer_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<stream::CommitStore> commits_;
  master::Cleaner cleaner_;
  ControlFeed decisions_, reports_;
};

}  // namespace ride::simulation
