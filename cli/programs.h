// Where RIDE's other programs are: beside this one. Threads: any.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace ride::cli {

std::filesystem::path program_folder();
Result<std::string> find_program(const std::string& name);  // not_found: with the fix

}  // namespace ride::cli
