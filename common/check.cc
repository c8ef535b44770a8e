#include "common/check.h"

#include <cstdio>
#include <cstdlib>

namespace ride {

void check_failed(const char* condition, const char* file, int line, std::string_view why) {
  // stdio only: the logger may be what is broken.
  std::fprintf(stderr, "%s:%d: check failed: %s: %.*s\n", file, line, condition, static_cast<int>(why.size()),
               why.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace ride
