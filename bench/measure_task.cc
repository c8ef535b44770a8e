#include "bench/measure_task.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "bench/figures.h"
#include "common/check.h"

namespace ride::bench {
namespace {

using std::chrono::steady_clock;

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

double largest_difference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return 1e300;
  return cv::norm(a.reshape(1), b.reshape(1), cv::NORM_INF);
}

Result<void> call(const PlainCall& plain, const cv::Mat& in, cv::Mat& out) {
  try {
    plain.run(in, out);
    return {};
  } catch (const cv::Exception& failure) {
    return Error{ErrorCode::unavailable, fmt::format("{}: {}", plain.what, failure.err)};
  }
}

}  // namespace

Result<std::unique_ptr<OpenedTask>> OpenedTask::open(const TaskCase& one, const cv::Mat& picture,
                                                     const tasks::TaskRegistry& registry) {
  const auto* type = registry.find(one.task);
  if (type == nullptr) return Error{ErrorCode::not_found, fmt::format("no task is named '{}'", one.task)};
  RIDE_ASSIGN(auto params, check_task_params(type->declaration, one.params));
  std::unique_ptr<OpenedTask> opened(new OpenedTask);
  opened->task_ = type->make();
  RIDE_TRY(opened->task_->open({.params = std::move(params), .job = "bench", .stage = one.name, .worker = "bench"}));
  opened->frame_.id = {"made", SessionId{1}, 0};
  opened->frame_.image = picture;
  if (one.detections) opened->frame_.attributes["detections"] = one.detections(picture.cols);
  return opened;
}

OpenedTask::~OpenedTask() {
  if (task_) task_->close();
}

Result<void> OpenedTask::process() {
  result_.release();  // back into the pool
  return task_->process(frame_, *this);
}

const MeasuredPlain& MeasuredTask::fastest_plain() const {
  RIDE_CHECK(!plain.empty(), "a case without a plain call");
  return *std::min_element(plain.begin(), plain.end(), [](const MeasuredPlain& a, const MeasuredPlain& b) {
    return a.meets != b.meets ? a.meets : a.seconds < b.seconds;
  });
}

Result<MeasuredTask> measure_task(const TaskCase& one, const cv::Mat& picture, const MeasureLimits& limits) {
  RIDE_ASSIGN(const auto task, OpenedTask::open(one, picture));
  RIDE_TRY(task->process());
  MeasuredTask measured;
  std::vector<cv::Mat> outputs(one.plain.size());
  for (std::size_t i = 0; i < one.plain.size(); ++i) {
    RIDE_TRY(call(one.plain[i], picture, outputs[i]));
    const bool compared = one.most_off != kNotCompared;
    const double off = compared ? largest_difference(task->result(), outputs[i]) : 0;
    measured.plain.push_back({.what = one.plain[i].what, .off = off, .meets = !compared || off <= one.most_off});
  }
  std::vector<double> ours;
  std::vector<std::vector<double>> theirs(one.plain.size());
  const auto start = steady_clock::now();
  for (int round = 0; round < limits.most_rounds; ++round) {
    if (round >= limits.least_rounds && seconds_since(start) > limits.time.count()) break;
    auto begin = steady_clock::now();
    RIDE_TRY(task->process());
    ours.push_back(seconds_since(begin));
    for (std::size_t i = 0; i < one.plain.size(); ++i) {
      begin = steady_clock::now();
      RIDE_TRY(call(one.plain[i], picture, outputs[i]));
      theirs[i].push_back(seconds_since(begin));
    }
  }
  measured.seconds = median(ours);
  for (std::size_t i = 0; i < theirs.size(); ++i) measured.plain[i].seconds = median(theirs[i]);
  return measured;
}

}  // namespace ride::bench
