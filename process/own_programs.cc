#include "process/own_programs.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "process/proc.h"

namespace ride::process {
namespace fs = std::filesystem;

Result<std::string> find_program(const std::string& name) {
  const fs::path path = own_folder() / name;
  if (access(path.c_str(), X_OK) == 0) return path.string();
  return Error{ErrorCode::not_found,
               fmt::format("{} is not there: it is started from the folder of this program. Build or install all of "
                           "RIDE's programs into {}",
                           path.string(), path.parent_path().string())};
}

}  // namespace ride::process
