// Story: what happened in a run, line by line, for the reader of a failing seed. Off: costs nothing, lines are not
// made.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <string>
#include <vector>

#include "tests/simulation/scheduler.h"

namespace ride::simulation {

class Story {
 public:
  Story(const Scheduler& clock, bool on) : clock_(clock), on_(on) {}

  template <class... Args>
  void tell(fmt::format_string<Args...> format, Args&&... args) {
    if (!on_) return;
    lines_.push_back(fmt::format("{:10.3f} ms  {}", static_cast<double>(clock_.now().count()) / 1000.0,
                                 fmt::format(format, std::forward<Args>(args)...)));
  }
  bool on() const { return on_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  const Scheduler& clock_;
  bool on_;
  std::vector<std::string> lines_;
};

}  // namespace ride::simulation
