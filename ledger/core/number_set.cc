#include "ledger/core/number_set.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace ride::ledger {

namespace {
constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
}  // namespace

bool NumberSet::contains(std::int64_t number) const {
  const auto behind = runs_.upper_bound(number);
  return behind != runs_.begin() && std::prev(behind)->second >= number;
}

bool NumberSet::insert(std::int64_t number) {
  if (contains(number)) return false;
  ++size_;
  auto next = runs_.upper_bound(number);
  const bool joins_next = next != runs_.end() && next->first - 1 == number;
  const auto last = joins_next ? next->second : number;
  if (joins_next) next = runs_.erase(next);
  if (next != runs_.begin() && std::prev(next)->second == number - 1)
    std::prev(next)->second = last;
  else
    runs_.emplace_hint(next, number, last);
  return true;
}

NumberSet NumberSet::minus(const NumberSet& other) const {
  NumberSet rest;
  const auto add = [&rest](std::int64_t first, std::int64_t last) {
    rest.runs_.emplace_hint(rest.runs_.end(), first, last);
    rest.size_ += last - first + 1;
  };
  auto theirs = other.runs_.begin();
  for (const auto& [first, last] : runs_) {
    while (theirs != other.runs_.end() && theirs->second < first) ++theirs;
    auto left = first;  // what is not looked at yet begins here
    bool any = true;
    for (auto cut = theirs; any && cut != other.runs_.end() && cut->first <= last; ++cut) {
      if (cut->first > left) add(left, cut->first - 1);
      any = cut->second < last;
      if (any) left = cut->second + 1;
    }
    if (any) add(left, last);
  }
  return rest;
}

void NumberSet::add(const NumberSet& other) {
  for (const auto& [their_first, their_last] : other.runs_) {
    auto first = their_first, last = their_last;
    auto run = runs_.upper_bound(first);
    if (run != runs_.begin() && std::prev(run)->second >= first - (first > kLowest ? 1 : 0)) --run;
    while (run != runs_.end() && (run->first <= last || run->first - 1 == last)) {  // what touches it becomes one run
      first = std::min(first, run->first);
      last = std::max(last, run->second);
      size_ -= run->second - run->first + 1;
      run = runs_.erase(run);
    }
    runs_.emplace_hint(run, first, last);
    size_ += last - first + 1;
  }
}

std::vector<std::int64_t> NumberSet::first(std::size_t count) const {
  std::vector<std::int64_t> numbers;
  for (const auto& [first, last] : runs_)
    for (auto number = first; numbers.size() < count; ++number) {
      numbers.push_back(number);
      if (number == last) break;
    }
  return numbers;
}

int NumberTally::add(std::int64_t number) {
  ++total_;
  for (std::size_t level = 0; level < levels_.size(); ++level)
    if (levels_[level].insert(number)) return static_cast<int>(level);
  levels_.emplace_back().insert(number);
  return static_cast<int>(levels_.size()) - 1;
}

void NumberTally::add(const NumberSet& numbers) {
  total_ += numbers.size();
  NumberSet carried = numbers;
  for (auto& level : levels_) {
    auto seen_before = level.common_with(carried);
    level.add(carried);
    carried = std::move(seen_before);
  }
  if (carried.size() > 0) levels_.push_back(std::move(carried));
}

void NumberTally::add(const NumberTally& other) {
  for (const auto& level : other.levels_) add(level);
}

const NumberSet& NumberTally::seen(int more_than) const {
  static const NumberSet kNone;
  const auto level = static_cast<std::size_t>(more_than);
  return level < levels_.size() ? levels_[level] : kNone;
}

}  // namespace ride::ledger
