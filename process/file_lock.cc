#include "process/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace ride::process {

FileLock::FileLock(const std::filesystem::path& file, std::error_code& why, unsigned mode)
    : file_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode)) {
  why = file_.ok() ? std::error_code() : std::error_code(errno, std::generic_category());
}

std::error_code FileLock::try_lock() {
  return ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 ? std::error_code()
                                                      : std::error_code(errno, std::generic_category());
}

void FileLock::lock() {
  while (::flock(file_.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
}

void FileLock::write(const std::string& text) {
  if (::ftruncate(file_.get(), 0) != 0) return;
  [[maybe_unused]] const auto written = ::pwrite(file_.get(), text.data(), text.size(), 0);
}

}  // namespace ride::process
