// Which Python runs a script: by name, by path, or that of a venv. Reads the file system. Failure: not_found, with what
// to install.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace ride::python {

std::string own_path();  // PATH of this process, or what is usual where it has none

// `search`: folders with ':' between them, as PATH has.
Result<std::filesystem::path> find_interpreter(const std::string& wanted, const std::string& search = own_path());

}  // namespace ride::python
