// What a child prints, as lines for the log: of bounded length, of a bounded number in each second, and printable.
// Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ride::python {

class OutputLines {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kLongest = 400;  // bytes of a line; the rest of it is left out
  static constexpr double kBurst = 200, kEachSecond = 20;

  std::vector<std::string> feed(std::string_view bytes, Time now);
  std::vector<std::string> rest(Time now);  // a last line without its line feed, and how many were left out

 private:
  void end_line(Time now, std::vector<std::string>& lines);

  std::string line_;
  bool cut_ = false;
  double allowed_ = kBurst;
  Time refilled_{};
  std::int64_t left_out_ = 0;
};

}  // namespace ride::python
