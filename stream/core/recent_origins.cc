#include "stream/core/recent_origins.h"

#include <algorithm>

namespace ride::stream {

RecentOrigins::RecentOrigins(const Watermarks& start) {
  for (const auto& [upstream, key] : start.all()) lines_[upstream].known_above = key;
}

void RecentOrigins::took(const Upstream& upstream, OriginKey key, Offset at) {
  const auto [found, fresh] = lines_.try_emplace(upstream);
  auto& line = found->second;
  if (fresh && unread_) line.known_above = key;
  if (!line.taken.empty() && key <= line.taken.back().by) return;
  line.taken.push_back({key, at});
  if (line.taken.size() <= kKept) return;
  line.known_above = line.taken.front().by;
  line.taken.pop_front();
}

void RecentOrigins::forget() {
  unread_ = true;
  for (auto& [upstream, line] : lines_) {
    if (!line.taken.empty()) line.known_above = line.taken.back().by;
    line.taken.clear();
  }
}

std::optional<RecentOrigins::Raised> RecentOrigins::hides(const Upstream& upstream, OriginKey key) const {
  const auto found = lines_.find(upstream);
  if (found == lines_.end()) return std::nullopt;
  const auto& line = found->second;
  if (line.known_above && key <= *line.known_above) return std::nullopt;
  const auto above = std::lower_bound(line.taken.begin(), line.taken.end(), key,
                                      [](const Raised& one, OriginKey wanted) { return one.by < wanted; });
  if (above == line.taken.end() || above->by == key) return std::nullopt;
  return *above;
}

}  // namespace ride::stream
