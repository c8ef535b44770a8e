// What the file of a plug-in is, found before anything of it is run: loading a truncated library would end the process
// (SIGBUS). Threads: any.
#pragma once

#include <string>

#include "common/result.h"

namespace ride::plugin {

// Regular, readable, a shared library for this machine (ELF), all of it there. Errors name the file, cause and fix.
Result<void> check_file(const std::string& file);

}  // namespace ride::plugin
