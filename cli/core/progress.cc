#include "cli/core/progress.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "cli/core/fields.h"
#include "cli/core/status_view.h"
#include "cli/core/table.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

constexpr Progress::Seconds kWindow{5};

// What all sources will send, where each knows it.
std::int64_t total_of(const Json& job) {
  std::int64_t total = 0;
  for (const Json& source : list_of(job, "sources")) {
    const auto one = number_of(source, "total");
    if (!one || *one < 0) return -1;
    total += static_cast<std::int64_t>(*one);
  }
  return total;
}

std::string time_text(Progress::Seconds time) {
  const auto seconds = std::llround(time.count());
  if (seconds < 60) return fmt::format("{} s", seconds);
  return seconds < 3600 ? fmt::format("{} min {:02} s", seconds / 60, seconds % 60)
                        : fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace

void Progress::see(const Json& job, Seconds now) {
  // Several sinks may each take a frame: the slowest counts, so that "done" is not reported too early.
  std::int64_t least = -1;
  for (const Json& stage : list_of(job, "stages"))
    if (flag_of(stage, "sink") && (least < 0 || count_of(stage, "acked") < least)) least = count_of(stage, "acked");
  frames_ = std::max<std::int64_t>(0, least < 0 ? count_of(job, "frames_out") : least);
  total_ = total_of(job);
  done_ =
      number_of(job, "progress").value_or(total_ > 0 ? static_cast<double>(frames_) / static_cast<double>(total_) : -1);
  points_.push_back({now, done_, frames_});
  while (points_.size() > 2 && now - points_.front().at > kWindow) points_.pop_front();
}

double Progress::fps() const {
  if (points_.size() < 2) return 0;
  const double seconds = (points_.back().at - points_.front().at).count();
  return seconds <= 0 ? 0 : static_cast<double>(points_.back().frames - points_.front().frames) / seconds;
}

std::optional<Progress::Seconds> Progress::remaining() const {
  if (points_.size() < 2 || points_.front().done < 0 || done_ <= points_.front().done) return std::nullopt;
  const Seconds passed = points_.back().at - points_.front().at;
  return passed * ((1 - done_) / (done_ - points_.front().done));
}

std::string Progress::render(std::size_t width, bool bar) const {
  std::string text = done_ < 0 ? "  ? %" : fmt::format("{:3.0f} %", std::clamp(done_, 0.0, 1.0) * 100);
  std::string rest = total_ > 0 ? fmt::format("{}/{} frames", frames_, total_) : counted(frames_, "frame");
  rest += fmt::format("  {} fps", format_rate(fps()));
  if (const auto left = remaining()) rest += fmt::format("  {} left", time_text(*left));
  if (bar && width > 40) {
    const std::size_t used = display_width(text) + display_width(rest) + 4;
    if (used + 10 < width) text += " " + progress_bar(done_, std::min<std::size_t>(40, width - used)) + " ";
  }
  return text + " " + rest;
}

}  // namespace ride::cli
