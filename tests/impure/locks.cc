// What no core does, for the test that would find it: asks the system for a lock.
#include <mutex>

namespace ride::test {

int with_a_lock(std::mutex& mutex) {
  const std::lock_guard lock(mutex);
  return 1;
}

}  // namespace ride::test
