#include "process/whole_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace ride::process {
namespace {

Error cannot_write(const std::filesystem::path& file, int error) {
  const ErrorCode code = error == EACCES || error == EPERM || error == EROFS ? ErrorCode::permission
                         : error == ENOSPC || error == EDQUOT                ? ErrorCode::resource_exhausted
                                                                             : ErrorCode::internal;
  return {code, fmt::format("cannot write {}: {}", file.string(), std::strerror(error))};
}

}  // namespace

Result<void> write_whole_file(const std::filesystem::path& file, std::string_view text) {
  const std::string aside = file.string() + ".new";
  const int out = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) return cannot_write(file, errno);
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = ::write(out, text.data(), text.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (error == 0 && ::fsync(out) != 0) error = errno;
  if (::close(out) != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(aside.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(aside.c_str());
  return cannot_write(file, error);
}

}  // namespace ride::process
