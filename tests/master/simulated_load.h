// Frames of the imagination: they come into the partitions of a stage at a rate, and whoever owns a partition works on
// them at its speed, as long as time passes. A fluid: parts of frames count.
#pragma once

#include <map>
#include <vector>

#include "master/core/state.h"

namespace ride::master::test {

class SimulatedLoad {
 public:
  // Frames per second into the stage, evenly over its partitions; nothing is known of a stage that was never loaded.
  void set_arrival(const StageKey& stage, double frames_per_second) { arrivals_[stage] = frames_per_second; }
  void set_speed(const WorkerId& worker, double frames_per_second) { speeds_[worker].speed = frames_per_second; }

  // `is_working` says whether an owner is alive.
  template <class IsWorking>
  void advance(const Hard& hard, double seconds, IsWorking is_working) {
    for (const auto& [key, rate] : arrivals_)
      if (const auto* stage = hard.find(key)) advance(key, *stage, rate, seconds, is_working);
  }
  // What its heartbeat reports of it: the worker's own figures, and ends and commits of its partitions.
  void fill(stream::Heartbeat& beat) const;

  double lag(const StageKey& stage) const;
  double finished(const StageKey& stage) const;

 private:
  struct Log {
    double end = 0, done = 0;
  };
  struct Worker {
    double speed = 0;  // frames per second
    double frames = 0, busy = 0;
  };

  template <class IsWorking>
  void advance(const StageKey& key, const Stage& stage, double rate, double seconds, IsWorking is_working) {
    auto& logs = logs_[key];
    logs.resize(stage.partitions.size());
    std::map<WorkerId, std::vector<Log*>> owned;
    for (std::size_t p = 0; p < logs.size(); ++p) {
      logs[p].end += rate * seconds / static_cast<double>(logs.size());
      if (!stage.partitions[p].releasing && is_working(stage.partitions[p].owner))
        owned[stage.partitions[p].owner].push_back(&logs[p]);
    }
    for (const auto& [id, partitions] : owned) work(speeds_[id], partitions, seconds);
  }
  static void work(Worker& worker, const std::vector<Log*>& partitions, double seconds);

  std::map<StageKey, double> arrivals_;
  std::map<StageKey, std::vector<Log>> logs_;
  std::map<WorkerId, Worker> speeds_;
};

}  // namespace ride::master::test
