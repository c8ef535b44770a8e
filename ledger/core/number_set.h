// Which numbers of a session were seen, and how often: runs of consecutive numbers, so that a day of frames takes a few
// bytes. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace ride::ledger {

class NumberSet {
 public:
  bool insert(std::int64_t number);  // false: it was there
  bool contains(std::int64_t number) const;
  std::int64_t size() const { return size_; }
  // Those of ours that `other` lacks.
  NumberSet minus(const NumberSet& other) const;
  NumberSet common_with(const NumberSet& other) const { return minus(minus(other)); }
  void add(const NumberSet& other);
  // The lowest few, for words.
  std::vector<std::int64_t> first(std::size_t count) const;

 private:
  std::map<std::int64_t, std::int64_t> runs_;  // first -> last: every number may be one, the largest as well
  std::int64_t size_ = 0;
};

// Level k holds what was seen more than k times.
class NumberTally {
 public:
  int add(std::int64_t number);  // how often it was seen before
  void add(const NumberSet& numbers);
  void add(const NumberTally& other);
  int levels() const { return static_cast<int>(levels_.size()); }
  const NumberSet& seen(int more_than) const;
  std::int64_t total() const { return total_; }

 private:
  std::vector<NumberSet> levels_;
  std::int64_t total_ = 0;
};

}  // namespace ride::ledger
