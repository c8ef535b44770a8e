// SimProducer: a producer process, as producer/producer.cc has it: its sources come from the real Assignments, each is
// a SourceShell. Owner: its Host.
#pragma once

#include <memory>

#include "producer/core/assignments.h"
#include "stream/frame_writer.h"
#include "tests/simulation/member.h"
#include "tests/simulation/plan_watch.h"

namespace ride::simulation {

// One assigned source, as producer/source_runner.cc has it with a thread: numbers pictures, sends them by the real
// FrameSetWriter, ends, and goes on where the real resume rule says. Owner: SimProducer.
class SourceShell {
 public:
  // The brokers have it: reported once for each number that is a picture.
  using Acknowledged = std::function<void(const FrameId&)>;

  SourceShell(Surroundings& around, Host& host, const WorkerId& producer, producer::Assignment assignment,
              const std::string& source, Acknowledged acknowledged);

  void set_mode(producer::SourceMode mode) { mode_ = mode; }
  const producer::Assignment& assignment() const { return assignment_; }
  stream::SourceProgress progress() const;

 private:
  void later(Time delay, void (SourceShell::*turn)());
  void prepare();
  std::int64_t highest() const;
  void next();
  void send();
  void end();
  void serve();

  Surroundings& around_;
  Host& host_;
  producer::Assignment assignment_;
  const stream::SourceSpec& spec_;
  Acknowledged acknowledged_;
  producer::SourceMode mode_ = producer::SourceMode::run;
  enum class Phase { preparing, flowing, ending, ended } phase_ = Phase::preparing;
  std::int64_t number_ = 0, total_ = -1, acked_ = 0, outstanding_ = 0;
  Writer writer_;
  stream::FrameSetWriter frames_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
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
  std::map<producer::SourceKey, std::unique_ptr<SourceShell>> sources_;
  Member member_;
};

}  // namespace ride::simulation
