// Which topic `ride tap` means: a topic's name, or job/stage of the latest run, also where that adopts a topic. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/core/adopted_stages.h"
#include "common/result.h"

namespace ride::cli {

// not_found: with the nearest names.
Result<std::string> find_topic(const std::string& wanted, const std::string& prefix,
                               const std::vector<std::string>& topics, const AdoptedTopics& adopted = {});

}  // namespace ride::cli
