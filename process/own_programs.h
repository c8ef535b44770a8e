// Where RIDE's other programs are: beside this one. Threads: any.
#pragma once

#include <string>

#include "common/result.h"

namespace ride::process {

Result<std::string> find_program(const std::string& name);  // not_found: with the fix

}  // namespace ride::process
