// CoreLease: CPU cores of this machine that a worker has to itself. Each reserved core is an abstract socket named
// after it: two workers of a machine cannot bind the same one, and the kernel frees it when its owner ends, however it
// ends. All threads of the process, and those that they start later, run on the reserved cores until the lease ends.
// Owner: the control thread. Failure: fewer cores than asked for are no error; cores() returns how many were free, and
// with none the process runs where it may, as before.
#pragma once

#include <sched.h>

#include <vector>

namespace ride::worker {

class CoreLease {
 public:
  // Of the cores on which this process may run.
  explicit CoreLease(int count);
  ~CoreLease();
  CoreLease(const CoreLease&) = delete;
  CoreLease& operator=(const CoreLease&) = delete;

  const std::vector<int>& cores() const { return cores_; }

 private:
  cpu_set_t allowed_{};  // before
  std::vector<int> cores_, sockets_;
};

}  // namespace ride::worker
