// What a fault did to the frames: measured at the place where they leave the job, from when they were captured and when
// they arrived. Pure: numbers in, numbers out.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "common/ids.h"
#include "common/units.h"

namespace ride::chaos {

// A frame that arrived for the first time.
struct Arrival {
  SystemTime captured{}, arrived{};
  PartitionId partition;
  double late_ms() const { return std::chrono::duration<double, std::milli>(arrived - captured).count(); }
};

// What is usual without a fault.
struct Baseline {
  double median_ms = 0, p99_ms = 0;
  std::size_t frames = 0;
  std::set<PartitionId> partitions;  // that delivered
};
Baseline baseline_of(std::span<const Arrival> arrivals, SystemTime from, SystemTime to);

struct Effect {
  double median_before_ms = 0, p99_before_ms = 0;
  double gap_ms = 0;        // the greatest lateness of any frame after the fault, less the median before it
  double full_rate_ms = 0;  // from the fault to the last frame that was later than the p99 before; 0: there was none
  bool recovered = false;   // a whole second without such a frame followed
  std::size_t frames_before = 0, frames_after = 0;
};

inline constexpr std::chrono::milliseconds kQuiet{1000};

// `arrivals` in order of arrival. Those that arrived from `calm` on until `fault` show what is usual; those from the
// fault until the first quiet second (or `until`) belong to the fault.
Effect effect_of(std::span<const Arrival> arrivals, SystemTime calm, SystemTime fault, SystemTime until);
// The same against a baseline from another time, where faults follow each other too closely for a calm between them.
Effect effect_of(std::span<const Arrival> arrivals, const Baseline& baseline, SystemTime fault, SystemTime until);

// The value below which the given share lies (nearest rank); 0 when there are none.
double percentile(std::vector<double> values, double share);

}  // namespace ride::chaos
