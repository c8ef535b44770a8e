// Random: the numbers of one seed (splitmix64), the same on every machine. A value; one owner each.
#pragma once

#include <cstdint>

namespace ride::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
  }
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(limit));
  }
  std::int64_t between(std::int64_t least, std::int64_t most) { return least + below(most - least + 1); }
  bool one_in(std::int64_t sides) { return below(sides) == 0; }
  Random fork() { return Random(next()); }  // a stream of its own, so that one part's draws do not shift another's

 private:
  std::uint64_t state_;
};

}  // namespace ride::simulation
