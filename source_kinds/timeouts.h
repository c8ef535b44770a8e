// How long a device or server may be silent: keys of every kind that reads from one.
#pragma once

#include <chrono>
#include <vector>

#include "common/key_spec.h"

namespace ride {

inline constexpr std::chrono::milliseconds kConnectTimeout{10'000}, kReadTimeout{5'000};  // where the file has none

// connect_timeout and read_timeout; in a plan, where given, connect_timeout_ms and read_timeout_ms.
std::vector<KeySpec> timeout_keys();

}  // namespace ride
