// advise(): how many workers a group needs. Numbers in, number and words out. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stream/spec.h"

namespace ride::master {

// What is known of a stage. Rates in frames per second; absent: unknown, which is not zero.
struct StageLoad {
  std::optional<double> arrival;
  double arrival_at_least = 0;               // by the chance with which frames come: of the last second
  double steady_at_least = 0;                // ... and of the last ten
  std::vector<std::optional<double>> rates;  // frames per busy second of each active worker
  std::optional<double> usual_rate;          // where a worker's own is unknown
  std::optional<double> utilisation;         // mean of the active ones
  double lag = 0;                            // frames without an ACK
};

struct SizeAdvice {
  int enough = 1;   // not limited to what the group may have
  int surely = 1;   // so many are needed even if what is measured is by chance as high as it is
  std::string why;  // "30.0 fps in, 11.9 fps per worker, lag 1.8 s, drain in 10 s"
};

// Enough is what carries the arrival rate with every worker busy for `target` of its time, and works the lag off within
// `drain`, the fastest workers counted first. Surely needed is what the last ten seconds ask for, or the last one where
// clearly more comes than all can do: chance must not make a group grow. Nothing when too little is known.
std::optional<SizeAdvice> advise(const StageLoad& load, const stream::ScalingSpec& scaling);

}  // namespace ride::master
