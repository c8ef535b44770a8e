// For tests of what happens when somebody sets the machine's clock, which itself is never touched. Found before the C
// library, it adds to the wall clock of its process what set_wall_clock() said where it is linked and, where it is
// preloaded (LD_PRELOAD), what stands in the file of the program's name in the folder $RIDE_TEST_WALL_CLOCK: 8 bytes,
// milliseconds, read anew with every look at the clock. A wait for a time of the wall clock lasts until that clock
// shows it, as the kernel's waits do.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/support/set_clock.h"

namespace {

using ClockGettime = int (*)(clockid_t, timespec*);

constexpr std::int64_t kSecond = 1'000'000'000;

ClockGettime real_clock() {
  static const auto found = reinterpret_cast<ClockGettime>(::dlsym(RTLD_NEXT, "clock_gettime"));
  return found;
}

const std::int64_t* open_offset() {
  static const std::int64_t none = 0;
  const char* folder = std::getenv("RIDE_TEST_WALL_CLOCK");
  if (folder == nullptr) return &none;
  const int file = ::open((std::string(folder) + "/" + program_invocation_short_name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return &none;
  void* memory = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  return memory == MAP_FAILED ? &none : static_cast<const std::int64_t*>(memory);
}

std::atomic<std::int64_t> said{0};

std::int64_t offset() {
  static const std::int64_t* const milliseconds = open_offset();
  return (__atomic_load_n(milliseconds, __ATOMIC_RELAXED) + said) * 1'000'000;
}

std::int64_t read_clock(clockid_t clock) {
  timespec time{};
  real_clock()(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

timespec to_timespec(std::int64_t nanoseconds) { return {nanoseconds / kSecond, nanoseconds % kSecond}; }

std::int64_t wall() { return read_clock(CLOCK_REALTIME) + offset(); }

}  // namespace

namespace ride::test {

void set_wall_clock(std::chrono::milliseconds ahead) { said = ahead.count(); }

}  // namespace ride::test

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int failed = real_clock()(clock, time);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) *time = to_timespec(wall());
  return failed;
}

int timespec_get(timespec* time, int base) noexcept {
  *time = to_timespec(wall());
  return base;
}

int gettimeofday(timeval* __restrict time, void* __restrict) noexcept {
  const auto now = wall();
  *time = {now / kSecond, now % kSecond / 1000};
  return 0;
}

time_t time(time_t* time) noexcept {
  const auto now = wall() / kSecond;
  if (time != nullptr) *time = now;
  return now;
}

// What the C library's does when the clock is set during the wait.
int cnd_timedwait(cnd_t* __restrict condition, mtx_t* __restrict mutex, const timespec* __restrict until) {
  const auto deadline = until->tv_sec * kSecond + until->tv_nsec;
  for (;;) {
    const auto left = deadline - wall();
    if (left <= 0) return thrd_timedout;
    const auto slice = to_timespec(read_clock(CLOCK_MONOTONIC) + std::min<std::int64_t>(left, 5'000'000));
    const int failed = ::pthread_cond_clockwait(reinterpret_cast<pthread_cond_t*>(condition),
                                                reinterpret_cast<pthread_mutex_t*>(mutex), CLOCK_MONOTONIC, &slice);
    if (failed == 0) return thrd_success;
    if (failed != ETIMEDOUT) return thrd_error;
  }
}

}  // extern "C"
