// Which Python runs a script: by name, by path, or that of a venv. Reads the file system. Failure: not_found, with what
// to install.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace ride::python {

// `search`: folders with ':' between them, as PATH has.
Result<std::filesystem::path> find_interpreter(const std::string& wanted, const std::string& search);

}  // namespace ride::python
