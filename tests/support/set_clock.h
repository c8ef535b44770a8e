// What the wall clock of processes that have tests/support/wall_clock.cc shows beside the real one. Owner: the object,
// with a folder of its own. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace ride::test {

// In a program that is linked with it.
void set_wall_clock(std::chrono::milliseconds ahead);

class SetClock {
 public:
  // For programs of these names that start from now on.
  explicit SetClock(const std::vector<std::string>& programs) {
    for (const auto& program : programs) set(program, std::chrono::milliseconds(0));
  }
  void set(const std::string& program, std::chrono::milliseconds ahead) {
    const std::int64_t value = ahead.count();
    std::fstream file(folder_ / program, std::ios::in | std::ios::out | std::ios::binary);
    if (!file) file.open(folder_ / program, std::ios::out | std::ios::binary);  // never cut: it is mapped
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
    file.flush();
  }
  std::string folder() const { return folder_.path().string(); }

 private:
  TempFolder folder_{"clock"};
};

}  // namespace ride::test
