// What RIDE's processes end with (docs/cli.md).
#pragma once

namespace ride {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
// It was declared lost, and is to be started again at once: no frame is to blame, and it would not fail again
// (decision 0025). EX_TEMPFAIL of sysexits.h.
inline constexpr int kExitStartAgain = 75;

}  // namespace ride
