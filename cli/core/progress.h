// The progress of a finite job: "  47 % ███████░░░░░░░░  470/1000 frames  98.2 fps  5 s left". Pure: time is an
// argument.
#pragma once

#include <chrono>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace ride::cli {

class Progress {
 public:
  using Seconds = std::chrono::duration<double>;

  void see(const nlohmann::json& job, Seconds now);
  std::string render(std::size_t width, bool bar) const;

  double fps() const;                        // of frames that came out, over the last 5 s
  std::optional<Seconds> remaining() const;  // nothing: not known yet

 private:
  struct Point {
    Seconds at;
    double done;          // 0..1, below 0: unknown
    std::int64_t frames;  // that came out
  };
  std::deque<Point> points_;
  std::int64_t frames_ = 0, total_ = -1;
  double done_ = -1;
};

}  // namespace ride::cli
