// Clock: the time, for code that the simulator runs as well: the machine's, or a simulated one. Threads: as the
// functions; the machine's may be asked from any.
#pragma once

#include <chrono>
#include <functional>

#include "common/units.h"

namespace ride {

struct Clock {
  std::function<std::chrono::steady_clock::time_point()> now = [] { return std::chrono::steady_clock::now(); };
  std::function<SystemTime()> wall = [] { return system_now(); };
};

}  // namespace ride
