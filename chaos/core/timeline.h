// How frames came over time: counts per slice of time, for a figure and its table. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "chaos/core/effect.h"
#include "common/units.h"

namespace ride::chaos {

struct Slice {
  double begin_s = 0;  // since the timeline's begin
  int frames = 0;      // that arrived in it
  double frames_per_second = 0;
  std::int64_t total = 0;                        // up to its end
  double median_late_ms = 0, worst_late_ms = 0;  // from capture to arrival; 0 without frames
};

// Something that is marked in the figure: a kill, a takeover.
struct Mark {
  SystemTime at{};
  std::string label;
};

struct Timeline {
  SystemTime begin{}, end{};
  std::chrono::milliseconds width{500};
  std::vector<Slice> slices;
  std::vector<Mark> marks;
};

// Whole slices only: the last, unfinished one would look like a fall.
Timeline timeline_of(std::span<const Arrival> arrivals, SystemTime begin, SystemTime end,
                     std::chrono::milliseconds width, std::vector<Mark> marks);

// One line a slice: second, frames, frames_per_second, frames_total, median_late_ms, worst_late_ms, mark.
std::string to_csv(const Timeline& timeline);

}  // namespace ride::chaos
