#include "common/suggest.h"

#include <algorithm>
#include <numeric>

namespace ride {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const auto& candidate : candidates) {
    const std::size_t longer = std::max(typed.size(), candidate.size());
    const std::size_t limit = std::max<std::size_t>(1, longer / 3);
    // The difference in length is a lower bound; it also keeps a huge input from costing a huge table.
    if (longer - std::min(typed.size(), candidate.size()) > limit) continue;
    const std::size_t distance = edit_distance(typed, candidate);
    if (distance > limit || (best && distance >= best_distance)) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& candidates) {
  const auto found = nearest(typed, candidates);
  return found ? ", did you mean '" + *found + "'?" : std::string();
}

}  // namespace ride
