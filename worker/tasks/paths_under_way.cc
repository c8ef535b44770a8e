#include "worker/tasks/paths_under_way.h"

#include <chrono>

namespace ride::tasks {

PathsUnderWay::Turn PathsUnderWay::enter(const std::string& path, Emitter& out) {
  std::unique_lock lock(mutex_);
  while (taken_.contains(path)) {
    changed_.wait_for(lock, std::chrono::milliseconds(200));
    out.progress();
  }
  taken_.insert(path);
  return Turn(&taken_, [this, path](const void*) {
    const std::lock_guard leaving(mutex_);
    taken_.erase(path);
    changed_.notify_all();
  });
}

}  // namespace ride::tasks
