#include "worker/python/output_lines.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/text.h"

namespace ride::python {

std::vector<std::string> OutputLines::feed(std::string_view bytes, Time now) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    const auto taken = std::min(part.size(), kLongest - line_.size());
    line_ += part.substr(0, taken);
    cut_ = cut_ || taken < part.size();
    if (end == std::string_view::npos) break;
    end_line(now, lines);
    bytes.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string> OutputLines::rest(Time now) {
  std::vector<std::string> lines;
  if (!line_.empty()) end_line(now, lines);
  if (left_out_ > 0) lines.push_back(fmt::format("({} lines more were printed)", left_out_));
  left_out_ = 0;
  return lines;
}

void OutputLines::end_line(Time now, std::vector<std::string>& lines) {
  if (now > refilled_) {
    const double seconds = std::chrono::duration<double>(now - refilled_).count();
    allowed_ = std::min(kBurst, allowed_ + seconds * kEachSecond);
    refilled_ = now;
  }
  if (allowed_ >= 1) {
    allowed_ -= 1;
    if (left_out_ > 0) lines.push_back(fmt::format("({} lines more were printed)", left_out_));
    left_out_ = 0;
    lines.push_back(one_line(line_) + (cut_ ? " ..." : ""));
  } else {
    ++left_out_;
  }
  line_.clear();
  cut_ = false;
}

}  // namespace ride::python
