// Host: the place in which one process runs, and what may befall it there: it is killed, stopped and continued (its
// clock stands still), cut off from the network, or slow. All that a process does goes through its host, so that a dead
// one does nothing more and a stopped one does it late.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace ride::simulation {

// One start of a process; its destruction is its death. Whatever it had not sent is gone, what it had sent may arrive.
class Program {
 public:
  virtual ~Program() = default;
  virtual void network_is_back() {}  // look again at all that is read
};

class Host {
 public:
  Host(Scheduler& clock, Random random, std::string name) : clock_(clock), random_(random), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  bool running() const { return program_ != nullptr; }
  bool paused() const { return paused_; }
  bool cut() const { return cut_; }
  bool deaf() const { return deaf_; }
  // Runs, reaches the network, and at the usual speed.
  bool healthy() const { return running() && !paused_ && !cut_ && !deaf_; }
  Program* program() { return program_.get(); }
  int starts() const { return generation_; }

  template <class Make>
  void start(Make make) {
    kill();
    program_ = make();
  }
  void kill() {
    ++generation_;
    stalled_.clear();
    program_.reset();
  }

  // The program's own work, later: not while it is stopped, never after its death.
  void later(Time delay, Action work) {
    clock_.after(delay * slowness_, [this, generation = generation_, work = std::move(work)]() mutable {
      run(generation, std::move(work));
    });
  }

  // A request on its way to Kafka. It may arrive after its sender's death; while the host is cut off it waits, and half
  // of what a dead process had not got rid of is lost.
  void send(Action at_broker) {
    clock_.after(latency() + extra_delay(),
                 [this, generation = generation_, at_broker = std::move(at_broker)]() mutable {
                   if (!cut_) return at_broker();
                   held_.push_back([this, generation, at_broker = std::move(at_broker)]() mutable {
                     if (generation != generation_ && random_.one_in(2)) return;
                     at_broker();
                   });
                 });
  }
  // The answer to it. Lost ones are asked for again by whoever set a timer.
  void answer(Action to_program, bool may_be_lost) {
    if (may_be_lost && lossy_ && random_.one_in(2)) return;
    clock_.after(latency(),
                 [this, generation = generation_, to_program = std::move(to_program), may_be_lost]() mutable {
                   if (!cut_) return run(generation, std::move(to_program));
                   if (may_be_lost) return;
                   held_.push_back([this, generation, to_program = std::move(to_program)]() mutable {
                     run(generation, std::move(to_program));
                   });
                 });
  }

  // ---- faults
  void pause() { paused_ = true; }
  void resume() {
    paused_ = false;
    auto stalled = std::exchange(stalled_, {});
    for (auto& work : stalled) clock_.after(Time(1), std::move(work));
    if (program_ && !cut_) program_->network_is_back();
  }
  void cut_off() { cut_ = true; }
  void heal() {
    cut_ = false;
    auto held = std::exchange(held_, {});
    for (auto& message : held) clock_.after(latency(), std::move(message));
    if (program_ && !paused_) program_->network_is_back();
  }
  // Its connections for control are away, those for frames are not: it neither hears nor is heard of, and works on.
  void deafen() { deaf_ = true; }
  void hear() {
    deaf_ = false;
    if (program_ && !paused_ && !cut_) program_->network_is_back();
  }
  void slow_down(int factor) { slowness_ = factor; }
  void delay_requests(Time most) { delay_ = most; }  // each by a random part of it, so that they overtake each other
  void lose_answers(bool lossy) { lossy_ = lossy; }

  Random& random() { return random_; }

 private:
  Time latency() { return Time(random_.between(100, 1500)) * slowness_; }
  Time extra_delay() { return delay_.count() == 0 ? Time(0) : Time(random_.below(delay_.count())); }

  void run(int generation, Action work) {
    if (generation != generation_) return;
    if (paused_) {
      stalled_.push_back([this, generation, work = std::move(work)]() mutable { run(generation, std::move(work)); });
      return;
    }
    work();
  }

  Scheduler& clock_;
  Random random_;
  std::string name_;
  std::unique_ptr<Program> program_;
  int generation_ = 0, slowness_ = 1;
  bool paused_ = false, cut_ = false, deaf_ = false, lossy_ = false;
  Time delay_{0};
  std::deque<Action> stalled_, held_;
};

}  // namespace ride::simulation
