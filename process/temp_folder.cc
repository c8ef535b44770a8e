#include "process/temp_folder.h"

#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ride::process {
namespace fs = std::filesystem;

Result<fs::path> make_temp_folder(const std::string& name) {
  std::error_code failed;
  const fs::path parent = fs::temp_directory_path(failed);
  if (failed) {
    const char* given = std::getenv("TMPDIR");
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("the folder for temporary files ({}) cannot be used: {}; make it, or set TMPDIR to a folder that "
                    "is there",
                    given ? fmt::format("TMPDIR is '{}'", given) : "/tmp", failed.message())};
  }
  std::string folder = (parent / (name + "-XXXXXX")).string();
  if (mkdtemp(folder.data()) != nullptr) return fs::path(folder);
  const int reason = errno;
  return Error{reason == ENOSPC || reason == EDQUOT ? ErrorCode::resource_exhausted : ErrorCode::permission,
               fmt::format("cannot make the temporary folder {}: {}; set TMPDIR to a folder that may be written to",
                           folder, std::strerror(reason))};
}

}  // namespace ride::process
