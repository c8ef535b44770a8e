#include "agent/child_log.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ride::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kRecentBytes = 2048;
constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;

}  // namespace

Result<ChildLog> ChildLog::open(const fs::path& folder, const std::string& name, std::int64_t limit) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    return Error{ErrorCode::permission,
                 fmt::format("cannot make the log folder {}: {}", folder.string(), failed.message())};
  }
  const fs::path file = folder / (name + ".log");
  const int descriptor = ::open(file.c_str(), kFlags, 0644);
  if (descriptor < 0) {
    return Error{ErrorCode::permission, fmt::format("cannot write {}: {}", file.string(), std::strerror(errno))};
  }
  struct stat facts {};
  const std::int64_t size = fstat(descriptor, &facts) == 0 ? facts.st_size : 0;
  return ChildLog(file, descriptor, size, limit);
}

ChildLog::ChildLog(fs::path file, int descriptor, std::int64_t size, std::int64_t limit)
    : file_(std::move(file)), descriptor_(descriptor), size_(size), limit_(limit) {}

ChildLog::ChildLog(ChildLog&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      limit_(other.limit_),
      recent_(std::move(other.recent_)) {}

ChildLog::~ChildLog() {
  if (descriptor_ >= 0) close(descriptor_);
}

void ChildLog::rotate() {
  std::error_code failed;
  fs::path full = file_;
  full += ".1";
  fs::rename(file_, full, failed);
  const int fresh = ::open(file_.c_str(), kFlags | O_TRUNC, 0644);
  if (fresh < 0) return;  // goes on in the old file
  close(descriptor_);
  descriptor_ = fresh;
  size_ = 0;
}

void ChildLog::write(std::string_view bytes) {
  recent_.append(bytes);
  if (recent_.size() > kRecentBytes) recent_.erase(0, recent_.size() - kRecentBytes);
  if (size_ + static_cast<std::int64_t>(bytes.size()) > limit_ && size_ > 0) rotate();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // lost: a log must not stop the child
    size_ += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

bool ChildLog::drain(int pipe) {
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = read(pipe, buffer.data(), buffer.size());
    if (got > 0) {
      write({buffer.data(), static_cast<std::size_t>(got)});
      if (got < static_cast<ssize_t>(buffer.size())) return true;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
}

std::string ChildLog::tail() const {
  const std::size_t start = recent_.size() < kRecentBytes ? 0 : recent_.find('\n') + 1;
  return recent_.substr(start == std::string::npos ? 0 : start);
}

}  // namespace ride::agent
