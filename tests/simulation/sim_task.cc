#include "tests/simulation/sim_task.h"

namespace ride::simulation {

namespace {

constexpr int kSmall = 3, kLarge = 17'000;  // bytes; chunks are of 16 KiB in a run
constexpr const char* kSegment = "segment";

// Every chunk of a picture shows the same value: pieces of two pictures put together do not.
bool is_whole(const cv::Mat& image) {
  const auto value = image.at<std::uint8_t>(0, 0);
  return (image.cols == kSmall || image.cols == kLarge) && value == image.at<std::uint8_t>(0, image.cols / 2) &&
         value == image.at<std::uint8_t>(0, image.cols - 1);
}

}  // namespace

cv::Mat SimTask::picture(bool large, std::uint8_t value) {
  return cv::Mat(1, large ? kLarge : kSmall, CV_8U, cv::Scalar::all(value));
}

Result<void> SimTask::process(const Frame& frame, tasks::Emitter& out) {
  if (!is_whole(frame.image)) return Error{ErrorCode::corrupt, "the picture was put together from different ones"};
  if (config_.sink) return keep(frame, out);
  if (config_.is_poison(frame.id)) die_();
  Random of_frame(config_.salt ^ (static_cast<std::uint64_t>(frame.id.number) << 20) ^ frame.id.source.size());
  const auto kind = of_frame.below(12);
  if (kind == 0) return Error{ErrorCode::invalid_argument, kNoTaskCanDoIt};
  if (kind <= 2) return {};  // filtered
  int pictures = kind <= 4 ? 2 : 1;
  bool large = kind == 3 || kind >= 9;
  if (config_.fickle && random_.one_in(4)) {
    pictures = static_cast<int>(random_.between(1, 3));
    large = random_.one_in(2);
  }
  for (int item = 0; item < pictures; ++item) {
    Frame next;
    next.id = frame.id;
    next.captured_at = frame.captured_at;
    next.image = picture(large, static_cast<std::uint8_t>(random_.below(256)));
    next.attributes["item"] = std::to_string(item);
    out.emit(std::move(next));
  }
  return {};
}

Result<void> SimTask::keep(const Frame& frame, tasks::Emitter& out) {
  const auto found = frame.attributes.find("item");
  const auto item = found == frame.attributes.end() ? std::string() : found->second;
  if (config_.segment == 0) {
    keep_(frame.id, item);
    return {};
  }
  out.hold(kSegment);
  held_.emplace_back(frame.id, item);
  if (static_cast<int>(held_.size()) >= config_.segment) close_segment(out);
  return {};
}

void SimTask::close_segment(tasks::Emitter& out) {
  for (const auto& [id, item] : held_) keep_(id, item);
  held_.clear();
  out.release(kSegment);
}

Result<void> SimTask::finish(tasks::Emitter& out) {
  if (config_.sink && config_.segment > 0) close_segment(out);
  return {};
}

}  // namespace ride::simulation
