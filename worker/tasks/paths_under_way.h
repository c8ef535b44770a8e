// PathsUnderWay: of the files that a sink writes on several threads, each path once at a time, so that of two pictures
// with one name the later one stays, as if they had been written one after the other. Owner: one task. Threads: enter()
// from the task's, turns end on any; must outlive them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "worker/tasks/task.h"

namespace ride::tasks {

class PathsUnderWay {
 public:
  // The path is taken until the last copy of what is returned is gone; waits while another turn has it.
  using Turn = std::shared_ptr<const void>;
  Turn enter(const std::string& path, Emitter& out);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> taken_;
};

}  // namespace ride::tasks
