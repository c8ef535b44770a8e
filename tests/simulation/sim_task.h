// SimTask: what stages do to frames in a run: emits none, one or several pictures, small ones and ones that need
// chunks, now and then others than another incarnation would, and fails for some frames; as a sink it writes what it
// got into the ledger's files, at once or held back like a video's segment.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/random.h"
#include "worker/tasks/task.h"

namespace ride::simulation {

// Why a frame dies here; there is no other reason in a run.
inline constexpr const char* kNoTaskCanDoIt = "no task can do this one";

class SimTask final : public tasks::Task {
 public:
  struct Config {
    bool sink = false;
    int segment = 0;      // a sink holds frames until so many are there; 0: it does not
    bool fickle = false;  // what comes of a frame may differ between incarnations
    int warmup = 0;       // frames that a new owner is fed without emitting
    int pace = 1;         // how many times as long as usual a frame takes
    int poison = -1;      // whoever takes up this frame of the finite source dies of it; -1: there is none
    std::uint64_t salt = 0;

    bool is_poison(const FrameId& id) const { return id.source == "files" && id.number == poison; }
  };
  // A sink's effect is durable: this picture of the frame is kept.
  using Keep = std::function<void(const FrameId&, const std::string& item)>;
  // Its process ends, now, inside process().
  using Die = std::function<void()>;
  SimTask(Config config, Random random, Keep keep, Die die)
      : config_(config), random_(random), keep_(std::move(keep)), die_(std::move(die)) {}

  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override;
  Result<void> finish(tasks::Emitter& out) override;

  static cv::Mat picture(bool large, std::uint8_t value);

 private:
  Result<void> keep(const Frame& frame, tasks::Emitter& out);
  void close_segment(tasks::Emitter& out);

  Config config_;
  Random random_;
  Keep keep_;
  Die die_;
  std::vector<std::pair<FrameId, std::string>> held_;
};

}  // namespace ride::simulation
