// WorkerPool: as many threads as there is work at once, up to a number; the rest waits in order. The caller bounds how
// much may wait. Threads: add() from any; the destructor runs what was added and joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ride {

class WorkerPool {
 public:
  explicit WorkerPool(std::size_t most);  // starts the first thread
  ~WorkerPool();
  void add(std::function<void()> job);

 private:
  void work();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t free_ = 0;
  bool over_ = false;
};

}  // namespace ride
