// delay: a task of a known duration, sleeping or busy.
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
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const auto end = Clock::now() + time_;
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const auto part = std::min(end, now + kProgressInterval);
      if (busy_) {
        while (Clock::now() < part) {
        }
      } else {
        std::this_thread::sleep_until(part);
      }
      out.progress();
    }
    out.emit(frame);
    return {};
  }

 private:
  static constexpr std::chrono::milliseconds kProgressInterval{500};
  Clock::duration time_{};
  bool busy_ = false;
};

}  // namespace

std::unique_ptr<Task> make_delay() { return std::make_unique<Delay>(); }

}  // namespace ride::tasks
