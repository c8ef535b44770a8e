// delay: a task of a known duration, sleeping or busy; one that hangs, where it reports no progress.
#include <algorithm>
#include <chrono>
#include <thread>

#include "worker/tasks/register_task.h"

namespace ride::tasks::delay {
namespace {

struct Options {
  double ms = 10;
  bool busy = false;
  bool progress = true;
  std::int64_t frame = -1;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"ms", &Options::ms, "Time that each frame takes, in milliseconds", {.min = 0, .max = 600000}},
      {"busy", &Options::busy, "Keep a core busy for that time instead of sleeping"},
      {"progress", &Options::progress,
       "Report progress twice a second; without it, a frame that takes longer than `frame_timeout` hangs"},
      {"frame",
       &Options::frame,
       "Number of the only frame of each source that takes the time, counted from 0; -1: each does",
       {.min = -1}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "delay",
          .doc =
              "Passes each frame on unchanged after a stated time: for measurements of scaling and of slow tasks, and, "
              "with "
              "`progress: false`, for a look at what becomes of a frame that hangs.",
          .params = params().specs(),
          .halo = [](const ParamValues&) { return 0; }};
}

using Clock = std::chrono::steady_clock;

class Delay : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    options_ = params().read(env.params);
    time_ = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(options_.ms));
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const auto end =
        Clock::now() + (options_.frame < 0 || options_.frame == frame.id.number ? time_ : Clock::duration{});
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const auto part = std::min(end, now + kProgressInterval);
      if (options_.busy) {
        while (Clock::now() < part) {
        }
      } else {
        std::this_thread::sleep_until(part);
      }
      if (options_.progress) out.progress();
    }
    out.emit(frame);
    return {};
  }

 private:
  static constexpr std::chrono::milliseconds kProgressInterval{500};
  Options options_;
  Clock::duration time_{};
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Delay)

}  // namespace ride::tasks::delay
