// "Did you mean": the candidate nearest to what was typed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ride {

// The candidate with the smallest edit distance (a swap of neighbours counts as one), if it is at most a third of the
// longer word, at least 1 edit being allowed. Where none is near, the same with the parts of names that '_' joins:
// "blurr" means gaussian_blur. Ties go to the first.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& candidates);

// ", did you mean 'gaussian_blur'?" or an empty text.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace ride
