// The time from a frame's capture to its arrival at a consumer, at 30 frames a second of 900x900 bytes, with a real
// broker: what `latency` measures of one task, for other benchmarks.
#pragma once

#include <string>

#include "bench/benchmarks.h"

namespace ride::bench {

// `task`: of the one stage, as lines of a topology: "task: identity\n". Figures: sent, received, duplicates, p50_ms,
// p99_ms, max_ms.
Result<Figures> stream_latency(const std::string& task, int frames, bool verbose);

}  // namespace ride::bench
