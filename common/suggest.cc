#include "common/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ride {
namespace {

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment, Damerau 1964).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1), above(b.size() + 1), swapped(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    swapped = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], swapped[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

// The index of the nearest word, if one is near enough.
std::optional<std::size_t> nearest_word(std::string_view typed, const std::vector<std::string_view>& words) {
  std::optional<std::size_t> best;
  std::size_t best_distance = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view candidate = words[i];
    const std::size_t longer = std::max(typed.size(), candidate.size());
    const std::size_t limit = std::max<std::size_t>(1, longer / 3);
    // The difference in length is a lower bound; it also keeps a huge input from costing a huge table.
    if (longer - std::min(typed.size(), candidate.size()) > limit) continue;
    const std::size_t distance = edit_distance(typed, candidate);
    if (distance > limit || (best && distance >= best_distance)) continue;
    best = i;
    best_distance = distance;
  }
  return best;
}

}  // namespace

std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& candidates) {
  if (const auto whole = nearest_word(typed, {candidates.begin(), candidates.end()})) return candidates[*whole];
  constexpr std::size_t kShortestPart = 3;
  if (typed.size() < kShortestPart) return std::nullopt;
  std::vector<std::string_view> parts;  // of names such as gaussian_blur
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (std::string_view rest = candidates[i]; !rest.empty();) {
      const std::string_view part = rest.substr(0, rest.find('_'));
      if (part.size() >= kShortestPart && part.size() < candidates[i].size()) {
        parts.push_back(part);
        owners.push_back(i);
      }
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    }
  }
  const auto part = nearest_word(typed, parts);
  return part ? std::optional<std::string>(candidates[owners[*part]]) : std::nullopt;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& candidates) {
  const auto found = nearest(typed, candidates);
  return found ? ", did you mean '" + *found + "'?" : std::string();
}

}  // namespace ride
