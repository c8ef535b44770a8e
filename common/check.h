// RIDE_CHECK: an assertion about our own code that stays on in release builds. A failed check prints place and reason
// and aborts: going on with broken state could lose or double a frame. Never use it on input from outside.
#pragma once

#include <string_view>

namespace ride {
[[noreturn]] void check_failed(const char* condition, const char* file, int line, std::string_view why);
}  // namespace ride

#define RIDE_CHECK(condition, why)                                               \
  do {                                                                           \
    if (!(condition)) ::ride::check_failed(#condition, __FILE__, __LINE__, why); \
  } while (false)
