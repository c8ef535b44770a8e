#include "cli/local/new_folder.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "process/whole_file.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

Error cannot_make(const fs::path& folder, int error) {
  const bool taken = error == EEXIST || error == ENOTEMPTY;
  const ErrorCode code = taken                                                 ? ErrorCode::already_exists
                         : error == ENOENT || error == ENOTDIR                 ? ErrorCode::not_found
                         : error == EACCES || error == EPERM || error == EROFS ? ErrorCode::permission
                         : error == ENOSPC || error == EDQUOT                  ? ErrorCode::resource_exhausted
                                                                               : ErrorCode::internal;
  if (taken)
    return {code, fmt::format("{} is there already, and is left as it is: take another name, or another folder (--in)",
                              folder.string())};
  return {code, fmt::format("cannot make the folder {}: {}", folder.string(), std::strerror(error))};
}

// As mkdir makes one: mkdtemp's is for its owner alone.
void open_to_others(const fs::path& folder) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(folder.c_str(), 0777 & ~mask);
}

// Never over what is there, be it an empty folder; where the file system does not know how, by a look before.
int rename_to_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  struct stat about {};
  if (::lstat(to.c_str(), &about) == 0) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Result<void> write_new_folder(const fs::path& folder, const std::vector<TaskFile>& files) {
  struct stat about {};
  if (::lstat(folder.c_str(), &about) == 0) return cannot_make(folder, EEXIST);
  std::string aside = (folder.parent_path() / ("." + folder.filename().string() + "-XXXXXX")).string();
  if (::mkdtemp(aside.data()) == nullptr) return cannot_make(folder, errno);
  auto written = [&]() -> Result<void> {
    for (const auto& file : files) RIDE_TRY(process::write_whole_file(fs::path(aside) / file.path, file.text));
    open_to_others(aside);
    if (const int error = rename_to_new(aside, folder); error != 0) return cannot_make(folder, error);
    return {};
  }();
  std::error_code ignored;
  if (!written.ok()) fs::remove_all(aside, ignored);
  return written;
}

}  // namespace ride::cli
