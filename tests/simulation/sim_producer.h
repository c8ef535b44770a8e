// SimProducer: a producer process, as producer/producer.cc has it: its sources come from the real Assignments, each is
// the product's SourceRunner, which takes its turns here. Owner: its Host.
#pragma once

#include <memory>

#include "producer/core/assignments.h"
#include "producer/source_runner.h"
#include "tests/simulation/log_ports.h"
#include "tests/simulation/member.h"
#include "tests/simulation/plan_watch.h"

namespace ride::simulation {

// One assigned source. Owner: SimProducer.
class SourceShell {
 public:
  // The brokers have it: reported once for each number that is a picture.
  using Acknowledged = std::function<void(const FrameId&)>;

  SourceShell(Surroundings& around, Host& host, const WorkerId& producer, producer::SharedBudget& budget,
              const producer::Assignment& assignment, const std::string& source, Acknowledged acknowledged,
              std::function<void()> finished);

  void set_mode(producer::SourceMode mode) { runner_->set_mode(mode); }
  void stop() { runner_->stop(); }
  bool finished() const { return finished_; }  // after stop()
  SessionId session() const { return runner_->session(); }
  stream::SourceProgress progress() const { return runner_->progress(); }

 private:
  void turn();
  void turn_later(Time delay);
  void serve_soon();
  void later(Time delay, std::function<void()> what);
  producer::RunnerServices services(const WorkerId& producer, producer::SharedBudget& budget);
  producer::MadeSource make_source(const stream::SourceSpec& spec, SessionId session);
  std::int64_t behind_highest(const stream::SourceSpec& spec) const;

  Surroundings& around_;
  Host& host_;
  Acknowledged acknowledged_;
  std::function<void()> on_finished_;
  bool finished_ = false, serves_ = false;
  SimLogAccess log_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<producer::SourceRunner> runner_;
};

class SimProducer final : public Program {
 public:
  struct Config {
    WorkerId id;
    NodeName node;
    PlanWatch& watch;
    SourceShell::Acknowledged acknowledged;
    std::function<void(const std::string& why)> end;
  };
  SimProducer(Surroundings& around, Host& host, Config config);

  void network_is_back() override { member_.look(); }

 private:
  void act();
  void fill(stream::Heartbeat& beat) const;

  Surroundings& around_;
  Host& host_;
  Config config_;
  producer::Assignments assignments_;
  producer::SharedBudget budget_{200'000};
  std::map<producer::SourceKey, std::unique_ptr<SourceShell>> sources_;
  Member member_;
};

}  // namespace ride::simulation
