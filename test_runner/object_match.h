// Which found objects are the expected ones: as many pairs as can be made of one label whose boxes overlap enough, each
// object in one pair at most. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "topology/test_case.h"
#include "worker/tasks/detections.h"

namespace ride::test_runner {

// The area that both boxes cover over the area that they cover together; 0 where neither covers any.
double overlap(const topology::ExpectedObject& expected, const tasks::Detection& found);

struct ObjectMatch {
  std::vector<std::optional<std::size_t>> found_by;  // for each expected object: which found one
  std::vector<bool> expected;                        // for each found object: it is in a pair
};
ObjectMatch match_objects(const std::vector<topology::ExpectedObject>& expected,
                          const std::vector<tasks::Detection>& found, double iou);

}  // namespace ride::test_runner
