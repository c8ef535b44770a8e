// Sums of what became of frames: of a stage's partitions, of a job's stages. Pure.
#pragma once

#include "stream/control.h"

namespace ride::stream {

inline OutcomeCounters& operator+=(OutcomeCounters& sum, const OutcomeCounters& more) {
  sum.acked += more.acked;
  sum.filtered += more.filtered;
  sum.dropped += more.dropped;
  sum.dead += more.dead;
  sum.expired += more.expired;
  sum.duplicates += more.duplicates;
  return sum;
}

// Frames that need nothing more. A repeated record is no frame.
inline std::int64_t finished(const OutcomeCounters& counters) {
  return counters.acked + counters.filtered + counters.dropped + counters.dead + counters.expired;
}

}  // namespace ride::stream
