#include "common/secret_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace ride {
namespace {

Error failed(const std::filesystem::path& file, const char* what, int error) {
  const ErrorCode code = error == ENOENT                                       ? ErrorCode::not_found
                         : error == ENOSPC || error == EDQUOT                  ? ErrorCode::resource_exhausted
                         : error == EACCES || error == EPERM || error == EROFS ? ErrorCode::permission
                                                                               : ErrorCode::internal;
  return {code, std::string("cannot ") + what + " " + file.string() + ": " + std::strerror(error)};
}

}  // namespace

Result<void> check_secret_file(const std::filesystem::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return failed(file, "read", errno);
  if ((found.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    return Error{ErrorCode::permission, file.string() +
                                            " holds a password or key, and others may read or change it: chmod 600 " +
                                            file.string() + " (640 for a group that reads it)"};
  if (found.st_uid != ::geteuid() && found.st_uid != 0 && ::geteuid() != 0)
    return Error{ErrorCode::permission, file.string() +
                                            " holds a password or key, and belongs to another user, who may change it: "
                                            "give us a file of our own, or one of root's"};
  return {};
}

Result<void> write_secret_file(const std::filesystem::path& file, std::string_view text) {
  const std::string aside = file.string() + ".new";
  ::unlink(aside.c_str());  // of a start that was broken off; its mode may be another
  const int out = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (out < 0) return failed(file, "write", errno);
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = ::write(out, text.data(), text.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (error == 0 && ::fsync(out) != 0) error = errno;
  if (::close(out) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(aside.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(aside.c_str());
  return failed(file, "write", error);
}

Result<std::string> random_secret(int bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::vector<unsigned char> noise(static_cast<std::size_t>(bytes) * 4 / 3 + 1);
  if (::getrandom(noise.data(), noise.size(), 0) != static_cast<ssize_t>(noise.size()))
    return Error{ErrorCode::internal, std::string("the system gives no random numbers: ") + std::strerror(errno)};
  std::string text;
  for (const auto byte : noise) text += kDigits[byte & 63];
  return text;
}

}  // namespace ride
