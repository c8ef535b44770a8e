// delay: a task of a known duration, sleeping or busy; one that hangs, where it reports no progress.
#include <algorithm>
#include <chrono>
#include <thread>

#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

using Clock = std::chrono::steady_clock;

class Delay : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    time_ = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double, std::milli>(get_number(env.params, "ms")));
    busy_ = get_bool(env.params, "busy");
    reports_ = get_bool(env.params, "progress");
    only_ = get_int(env.params, "frame");
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const auto end = Clock::now() + (only_ < 0 || only_ == frame.id.number ? time_ : Clock::duration{});
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const auto part = std::min(end, now + kProgressInterval);
      if (busy_) {
        while (Clock::now() < part) {
        }
      } else {
        std::this_thread::sleep_until(part);
      }
      if (reports_) out.progress();
    }
    out.emit(frame);
    return {};
  }

 private:
  static constexpr std::chrono::milliseconds kProgressInterval{500};
  Clock::duration time_{};
  bool busy_ = false, reports_ = true;
  std::int64_t only_ = -1;  // the number of the frame that takes the time
};

}  // namespace

std::unique_ptr<Task> make_delay() { return std::make_unique<Delay>(); }

}  // namespace ride::tasks
