// World: one run of a scenario, from the first claim to the completed job: hosts with their programs, Kafka, the
// faults, and the watchers that check every invariant at every step. Deterministic: a scenario gives the same run every
// time.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/host.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/plan_watch.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/sim_master.h"
#include "tests/simulation/sim_producer.h"
#include "tests/simulation/sim_worker.h"

namespace ride::simulation {

struct Outcome {
  std::optional<std::string> problem;  // none: all invariants held
  std::int64_t events = 0, frames = 0, repetitions = 0;
  int faults = 0;
  PlanWatch::Counts plan;
  Time lasted{0};
  Fired fired;
  std::vector<std::string> story;
};

class World {
 public:
  World(const Scenario& scenario, Mutation broken, bool tell);
  Outcome run();

 private:
  void start(Host& host);
  void start_master(Host& host);
  void start_worker(Host& host);
  void start_producer(Host& host);
  void end(Host& host, const std::string& why);
  void restart_later(Host& host);
  void die(Host& host, std::vector<stream::NamedFrame> of);
  void tell_exit(const std::string& incarnation, std::vector<stream::NamedFrame> of = {});
  std::string incarnation(const Host& host) const;

  void begin(const Fault& fault);
  void befall(Host& host, const Fault& fault);
  void on_snapshot(Host& host);
  void crash(Host& host);
  void crash_successor(Host& host);
  void note_successors(const stream::Assign& assign);

  SimMaster* leader();
  void submit();
  void scale(const Scaling& scaling);
  void drain();
  void check_rest();
  std::optional<std::string> unrest();
  void on_visible(const Line& line, std::int64_t offset);
  bool is_current(const FrameId& id) const;

  const Scenario& scenario_;
  Random random_;
  Scheduler clock_;
  Story story_;
  Kafka kafka_;
  Fired fired_;
  Surroundings around_;
  Ledger ledger_;
  PlanWatch watch_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Host agent_;
  Writer agent_reports_;
  std::map<std::string, std::string> successors_;  // who took over from whom last, by the names of their hosts
  std::deque<Fault> scribes_;                      // faults that wait for the next snapshot
  bool completed_ = false;
};

// The run of a seed.
Outcome run_seed(std::uint64_t seed, Mutation broken = Mutation::none, bool tell = false);

}  // namespace ride::simulation
