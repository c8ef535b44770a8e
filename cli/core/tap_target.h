// Which topic `ride tap` means: a topic's name, or job/stage of the latest run. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::cli {

// not_found: with the nearest names.
Result<std::string> find_topic(const std::string& wanted, const std::string& prefix,
                               const std::vector<std::string>& topics);

}  // namespace ride::cli
