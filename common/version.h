// The version that every program prints with --version.
#pragma once

namespace ride {
const char* version();
}  // namespace ride
