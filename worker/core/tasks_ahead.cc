#include "worker/core/tasks_ahead.h"

#include <algorithm>

namespace ride::worker {
namespace {

constexpr int kMostAhead = 4;  // each may be a process

}  // namespace

int tasks_of_share(int partitions, int min_workers) {
  const int workers = std::max(min_workers, 1);
  return std::clamp(partitions / workers + (partitions % workers != 0 ? 1 : 0), 1, kMostAhead);
}

bool wants_another(const TasksOpen& open) {
  const int share = open.warm ? 0 : tasks_of_share(open.partitions, open.min_workers) - open.in_use;
  return open.spare < std::max(open.without, share);
}

}  // namespace ride::worker
