// Sizes and durations as people write them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace ride {

using std::chrono::milliseconds;
using SystemTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

struct ByteSize {
  std::int64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

// "2GiB", "512 MB", "4096": powers of 1024 for KiB.., of 1000 for KB.. Negative or unknown unit: invalid_argument.
Result<ByteSize> parse_byte_size(std::string_view text);
std::string format_byte_size(ByteSize size);  // "2GiB", "810.0KB": exact binary units where they fit, else 1 decimal

// "250ms", "10s", "10m", "2h", "7d", also fractions ("1.5s"). Without a unit: invalid_argument, since it is ambiguous.
Result<milliseconds> parse_duration(std::string_view text);
std::string format_duration(milliseconds duration);  // "250ms", "1.5s", "10m"

// RFC 3339 in UTC with microseconds, "2026-11-21T08:00:00.000000Z"; parsing accepts other offsets and precisions.
std::string format_time(SystemTime time);
Result<SystemTime> parse_time(std::string_view text);
inline double seconds_between(SystemTime from, SystemTime to) {
  return std::chrono::duration<double>(to - from).count();
}
inline double ms_between(SystemTime from, SystemTime to) { return 1000 * seconds_between(from, to); }
SystemTime system_now();  // shells only: cores take time as an argument

}  // namespace ride
