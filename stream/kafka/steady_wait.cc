// librdkafka 2.0.2 waits everywhere (rd_kafka_poll, its main thread, its timers) with cnd_timedwait until a time of the
// wall clock, and stands for as long as somebody sets that clock back. Every program of ours has this one instead of
// the C library's: it waits as long as the deadline was away when it was first seen, by the clock that nobody sets
// (decision 0024). Threads: any.
#include <pthread.h>
#include <threads.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongest = 24LL * 3600 * kSecond;

static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t),
              "the C library's C11 types are expected to be its POSIX ones");

timespec now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time;
}

// From now to a moment of the wall clock; nothing and a day are the limits.
std::int64_t left_until(const timespec& deadline) {
  const auto wall = now(CLOCK_REALTIME);
  const auto seconds = std::clamp<std::int64_t>(deadline.tv_sec - wall.tv_sec, -1, kLongest / kSecond);
  return std::clamp<std::int64_t>(seconds * kSecond + (deadline.tv_nsec - wall.tv_nsec), 0, kLongest);
}

timespec later(timespec time, std::int64_t by) {
  const auto nanoseconds = time.tv_nsec + by % kSecond;
  return {time.tv_sec + by / kSecond + nanoseconds / kSecond, nanoseconds % kSecond};
}

// A thread that is woken for nothing waits again for the same deadline: the clock may have been set meanwhile.
struct Deadline {
  timespec wall{}, steady{};
};
thread_local Deadline last_deadline;

timespec steady_deadline(const timespec& wall) {
  auto& last = last_deadline;
  if (last.wall.tv_sec != wall.tv_sec || last.wall.tv_nsec != wall.tv_nsec)
    last = {wall, later(now(CLOCK_MONOTONIC), left_until(wall))};
  return last.steady;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int cnd_timedwait(cnd_t* __restrict condition,
                                                                    mtx_t* __restrict mutex,
                                                                    const timespec* __restrict until) {
  const auto deadline = steady_deadline(*until);
  switch (::pthread_cond_clockwait(reinterpret_cast<pthread_cond_t*>(condition),
                                   reinterpret_cast<pthread_mutex_t*>(mutex), CLOCK_MONOTONIC, &deadline)) {
    case 0:
      return thrd_success;
    case ETIMEDOUT:
      return thrd_timedout;
    default:
      return thrd_error;
  }
}
