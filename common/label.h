// Labels of a machine's workers, as command lines give them: "site=north". Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride {

// At most 64 of them; a name has a-z, A-Z, 0-9, '.', '_' and '-', a value 1 to 256 bytes, and no name is there twice.
Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& texts);

}  // namespace ride
