// A fleet of the imagination around the real core: a pool of workers of different speeds, jobs of one stage each that
// cameras write into, a virtual clock. Frames are counts: what arrives waits in its partition until the owner's time
// suffices for it, and heartbeats report as much as real ones do. Every step is as long as the tick interval. Equal
// seeds give equal runs. Owner: the test. Threads: one.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "master/core/apply.h"
#include "master/core/decide.h"

namespace ride::master::test {

struct FleetShape {
  int workers = 1000, producers = 20, jobs = 100;
  int partitions = 100, cameras = 10;  // of each job
  int min = 1, max = 30;
  bool by_chance = true;       // frames come as a Poisson process has them; else regularly
  double fps_per_worker = 10;  // of the usual ones; every fourth does half of it
  stream::ScalingSpec scaling;
};

class Fleet {
 public:
  // Frames per second of one camera of this job now.
  using Load = std::function<double(int job, double second)>;
  Fleet(const FleetShape& shape, std::uint32_t seed, Load load);

  void step();
  void kill(int worker);  // its agent sees it in the next step; its slot is filled again three steps later
  void ask(Event request) { requests_.push_back(std::move(request)); }

  struct Resized {
    double second = 0;
    int from = 0, to = 0;
    bool held = false;
    std::string reason;
  };
  const std::vector<Resized>& sizes(int job) const { return jobs_[static_cast<std::size_t>(job)].sizes; }
  double second() const { return std::chrono::duration<double>(now_ - begin_).count(); }
  StageKey stage(int job) const;
  int workers_of(int job) const { return static_cast<int>(state.hard.find(stage(job))->actives.size()); }
  std::int64_t arrived(int job) const { return jobs_[static_cast<std::size_t>(job)].arrived; }
  std::int64_t lag(int job) const;
  std::size_t decisions() const { return decisions_; }
  const std::deque<std::string>& last_words() const { return words_; }  // of the latest decisions
  int worker_count() const { return shape_.workers; }
  const std::vector<std::string>& wrong() const { return wrong_; }  // what no step may do

  State state;

 private:
  struct Log {
    std::int64_t end = 0, committed = 0;
  };
  struct JobState {
    std::vector<Log> partitions;
    std::vector<Resized> sizes;
    std::vector<Epoch> epochs;
    std::int64_t arrived = 0;
    double owed = 0;  // part of a frame
    std::size_t next = 0;
  };
  struct WorkerState {
    WorkerId id;
    bool alive = true;
    int back_in = 0;             // steps
    double speed = 1, time = 0;  // frames per second; what is left of its time
    std::int64_t frames = 0;
    double busy = 0;
    StageKey member;
  };
  struct Owned {
    std::size_t job = 0;
    std::vector<int> partitions;
  };

  void submit_all();
  void arrive(double dt);
  void work(WorkerState& worker, const Owned& owned, double dt);
  std::vector<Owned> owned() const;  // by worker
  stream::Heartbeat beat(const WorkerState& worker, const Owned& owned) const;
  stream::Heartbeat producer_beat(int producer) const;
  void handle(const std::vector<Event>& events);
  void apply(const stream::DecisionBody& body);
  void note(const stream::Assign& assign);
  void note(const stream::Scale& scale);
  void start(WorkerState& worker, std::size_t slot);

  FleetShape shape_;
  std::mt19937 random_;
  Load load_;
  std::vector<WorkerState> workers_;
  std::map<WorkerId, std::size_t> slots_;
  std::vector<JobState> jobs_;
  std::vector<Event> requests_, reports_;
  std::vector<std::string> wrong_;
  std::deque<std::string> words_;
  std::size_t decisions_ = 0;
  int incarnations_ = 0;
  const SystemTime begin_{std::chrono::seconds(1'800'000'000)};
  SystemTime now_ = begin_;
};

}  // namespace ride::master::test
