#include "test_runner/object_match.h"

#include <algorithm>

namespace ride::test_runner {
namespace {

// Augmenting paths (Kuhn): an object that is taken gives way where its partner finds another one.
class Matching {
 public:
  Matching(std::vector<std::vector<std::size_t>> choices, std::size_t found)
      : choices_(std::move(choices)), partner_(found) {}

  ObjectMatch run() {
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      tried_.assign(partner_.size(), false);
      place(i);
    }
    ObjectMatch match{.found_by = std::vector<std::optional<std::size_t>>(choices_.size()),
                      .expected = std::vector<bool>(partner_.size(), false)};
    for (std::size_t i = 0; i < partner_.size(); ++i) {
      if (!partner_[i]) continue;
      match.found_by[*partner_[i]] = i;
      match.expected[i] = true;
    }
    return match;
  }

 private:
  bool place(std::size_t expected) {
    for (const std::size_t found : choices_[expected]) {
      if (tried_[found]) continue;
      tried_[found] = true;
      if (partner_[found] && !place(*partner_[found])) continue;
      partner_[found] = expected;
      return true;
    }
    return false;
  }

  const std::vector<std::vector<std::size_t>> choices_;
  std::vector<std::optional<std::size_t>> partner_;  // of a found object: the expected one
  std::vector<bool> tried_;
};

}  // namespace

double overlap(const topology::ExpectedObject& expected, const tasks::Detection& found) {
  const double width = std::min(expected.x + expected.width, found.x + found.width) - std::max(expected.x, found.x);
  const double height = std::min(expected.y + expected.height, found.y + found.height) - std::max(expected.y, found.y);
  if (!(width > 0) || !(height > 0)) return 0;
  const double both = width * height;
  return both / (expected.width * expected.height + found.width * found.height - both);
}

ObjectMatch match_objects(const std::vector<topology::ExpectedObject>& expected,
                          const std::vector<tasks::Detection>& found, double iou) {
  std::vector<std::vector<std::size_t>> choices(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    for (std::size_t j = 0; j < found.size(); ++j)
      if (expected[i].label == found[j].label && overlap(expected[i], found[j]) >= iou) choices[i].push_back(j);
    std::stable_sort(choices[i].begin(), choices[i].end(), [&](std::size_t a, std::size_t b) {
      return overlap(expected[i], found[a]) > overlap(expected[i], found[b]);
    });
  }
  return Matching(std::move(choices), found.size()).run();
}

}  // namespace ride::test_runner
