#include "producer/core/byte_budget.h"

#include "common/check.h"

namespace ride::producer {

ByteBudget::ByteBudget(std::int64_t limit_bytes) : limit_(limit_bytes) {
  RIDE_CHECK(limit_bytes > 0, "a memory budget is positive");
}

void ByteBudget::join(const std::string& source) { by_source_.emplace(source, 0); }

void ByteBudget::leave(const std::string& source) {
  const auto found = by_source_.find(source);
  if (found == by_source_.end()) return;
  held_ -= found->second;
  by_source_.erase(found);
}

bool ByteBudget::acquire(const std::string& source, std::int64_t bytes) {
  const auto found = by_source_.find(source);
  RIDE_CHECK(found != by_source_.end(), "a source joins the budget before it takes from it");
  RIDE_CHECK(bytes >= 0, "a frame has no negative size");
  const std::int64_t share = limit_ / static_cast<std::int64_t>(by_source_.size());
  const bool fits = held_ == 0 || (held_ + bytes <= limit_ && (found->second == 0 || found->second + bytes <= share));
  if (!fits) return false;
  found->second += bytes;
  held_ += bytes;
  return true;
}

void ByteBudget::release(const std::string& source, std::int64_t bytes) {
  const auto found = by_source_.find(source);
  if (found == by_source_.end()) return;  // left meanwhile: its bytes are back already
  RIDE_CHECK(found->second >= bytes, "a source gives back more than it took");
  found->second -= bytes;
  held_ -= bytes;
}

}  // namespace ride::producer
