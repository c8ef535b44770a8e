// One case of `bench/run tasks`, measured: the task as a worker runs it and each plain call, in turns, in this process.
// Owner: one thread, which computes; OpenCV's threads are set to one by the caller.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "bench/task_cases.h"
#include "common/result.h"
#include "worker/buffer_pool.h"
#include "worker/tasks/task_registry.h"

namespace ride::bench {

// A task that is opened and given one picture again and again, its outputs in reused memory as in a worker.
class OpenedTask : tasks::Emitter {
 public:
  static Result<std::unique_ptr<OpenedTask>> open(const TaskCase& one, const cv::Mat& picture,
                                                  const tasks::TaskRegistry& registry = tasks::builtin_tasks());
  ~OpenedTask() override;
  OpenedTask(const OpenedTask&) = delete;
  OpenedTask& operator=(const OpenedTask&) = delete;

  Result<void> process();
  const cv::Mat& result() const { return result_; }

 private:
  OpenedTask() = default;
  void emit(Frame frame) override { result_ = std::move(frame.image); }
  void emit(const std::string& /*port*/, Frame frame) override { emit(std::move(frame)); }
  cv::Mat allocate(int rows, int cols, int type) override { return pool_.allocate(rows, cols, type); }
  void progress() override {}

  std::unique_ptr<tasks::Task> task_;
  Frame frame_;
  cv::Mat result_;
  worker::BufferPool pool_{std::int64_t{1} << 30};
};

struct MeasuredPlain {
  std::string what;
  double seconds = 0;  // the median
  double off = 0;      // from the task's picture, the largest difference
  bool meets = false;  // the case's tolerance
};

struct MeasuredTask {
  double seconds = 0;  // the median
  std::vector<MeasuredPlain> plain;

  // The fastest of those that meet the tolerance; where none does, of all.
  const MeasuredPlain& fastest_plain() const;
};

struct MeasureLimits {
  int least_rounds = 5, most_rounds = 200;
  std::chrono::duration<double> time = std::chrono::seconds(1);  // no further round behind it
};

// Error: the task refused its parameters or the picture, or a plain call failed (what it loads is not there).
Result<MeasuredTask> measure_task(const TaskCase& one, const cv::Mat& picture, const MeasureLimits& limits);

}  // namespace ride::bench
