// The seed of a test that draws at random: what the environment says, so that a run can be played again, else its own.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace ride::test {

inline std::uint64_t test_seed(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

}  // namespace ride::test
