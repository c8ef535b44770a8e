#include "ledger/core/number_set.h"

#include <algorithm>
#include <iterator>

namespace ride::ledger {

bool NumberSet::contains(std::int64_t number) const {
  const auto behind = runs_.upper_bound(number);
  return behind != runs_.begin() && std::prev(behind)->second > number;
}

bool NumberSet::insert(std::int64_t number) {
  if (contains(number)) return false;
  ++size_;
  auto next = runs_.upper_bound(number);
  const bool joins_next = next != runs_.end() && next->first == number + 1;
  const auto end = joins_next ? next->second : number + 1;
  if (joins_next) next = runs_.erase(next);
  if (next != runs_.begin() && std::prev(next)->second == number)
    std::prev(next)->second = end;
  else
    runs_.emplace_hint(next, number, end);
  return true;
}

NumberSet NumberSet::minus(const NumberSet& other) const {
  NumberSet rest;
  const auto add = [&rest](std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    rest.runs_.emplace_hint(rest.runs_.end(), begin, end);
    rest.size_ += end - begin;
  };
  auto theirs = other.runs_.begin();
  for (const auto& [first, end] : runs_) {
    auto begin = first;
    while (theirs != other.runs_.end() && theirs->second <= begin) ++theirs;
    for (auto cut = theirs; begin < end; ++cut) {
      if (cut == other.runs_.end() || cut->first >= end) break;
      add(begin, cut->first);
      begin = std::max(begin, cut->second);
    }
    add(begin, end);
  }
  return rest;
}

void NumberSet::add(const NumberSet& other) {
  for (const auto& [first, last] : other.runs_) {
    auto begin = first, end = last;
    auto run = runs_.upper_bound(begin);
    if (run != runs_.begin() && std::prev(run)->second >= begin) --run;
    while (run != runs_.end() && run->first <= end) {  // what touches it becomes one run
      begin = std::min(begin, run->first);
      end = std::max(end, run->second);
      size_ -= run->second - run->first;
      run = runs_.erase(run);
    }
    runs_.emplace_hint(run, begin, end);
    size_ += end - begin;
  }
}

std::vector<std::int64_t> NumberSet::first(std::size_t count) const {
  std::vector<std::int64_t> numbers;
  for (const auto& [begin, end] : runs_)
    for (auto number = begin; number < end && numbers.size() < count; ++number) numbers.push_back(number);
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
