#include "worker/tasks/durable_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>

#include "worker/tasks/path_template.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;

Result<void> write_fully(int fd, std::span<const std::uint8_t> bytes, std::int64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return system_error("write", path, done < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += done;
  }
  return {};
}

// Once per folder and process: what a killed writer left, old enough that nobody can be writing it any more.
void remove_leftovers(const OutputPlace& place) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  {
    const std::lock_guard lock(mutex);
    if (!seen.insert(place.folder_path()).second) return;
    if (seen.size() > 10000) seen.clear();  // bounded; a folder looked at twice costs time only
  }
  constexpr auto kOld = std::chrono::hours(1);
  const fs::path folder = fmt::format("/proc/self/fd/{}", place.folder());  // the one that was opened, whatever its path is now
  std::error_code ignored;  // a leftover that stays does no harm
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') || !name.ends_with(".ride-tmp")) continue;
    const auto written = entry->last_write_time(ignored);
    if (!ignored && fs::file_time_type::clock::now() - written > kOld) fs::remove(entry->path(), ignored);
  }
}

// The kernel's limit on a name is 255 bytes; name and tag are cut, the counter keeps them apart.
std::string temporary_for(const std::string& name, const std::string& tag) {
  static std::atomic<std::uint64_t> counter{0};
  return fmt::format(".{}.{}.{}-{}.ride-tmp", name.substr(0, 120), safe_file_name(tag).substr(0, 60), ::getpid(),
                     counter.fetch_add(1));
}

}  // namespace

Result<DurableFile> DurableFile::create(const std::string& path, const std::string& tag, bool sync) {
  auto place = OutputPlace::open(path, sync);
  if (!place) return place.error();
  remove_leftovers(*place);
  const std::string temporary = temporary_for(place->name(), tag);
  const int fd =
      ::openat(place->folder(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return system_error("write", path, errno);
  return DurableFile(std::move(place).value(), temporary, fd, sync);
}

DurableFile::DurableFile(OutputPlace place, std::string temporary, int fd, bool sync)
    : place_(std::move(place)), temporary_(std::move(temporary)), fd_(fd), sync_(sync) {}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : place_(std::move(other.place_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      sync_(other.sync_),
      sync_failure_(other.sync_failure_),
      size_(other.size_) {}

DurableFile& DurableFile::operator=(DurableFile&& other) noexcept {
  if (this == &other) return *this;
  discard();
  place_ = std::move(other.place_);
  temporary_ = std::exchange(other.temporary_, {});
  fd_ = std::exchange(other.fd_, -1);
  sync_ = other.sync_;
  sync_failure_ = other.sync_failure_;
  size_ = other.size_;
  return *this;
}

DurableFile::~DurableFile() { discard(); }

void DurableFile::discard() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (!temporary_.empty()) ::unlinkat(place_.folder(), std::exchange(temporary_, {}).c_str(), 0);
}

Result<void> DurableFile::write(std::span<const std::uint8_t> bytes) {
  if (auto written = write_fully(fd_, bytes, size_, path()); !written) return written;
  size_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

Result<void> DurableFile::write_at(std::int64_t offset, std::span<const std::uint8_t> bytes) {
  RIDE_CHECK(offset >= 0 && offset + static_cast<std::int64_t>(bytes.size()) <= size_, "write_at() beyond the end");
  return write_fully(fd_, bytes, offset, path());
}

Result<void> DurableFile::cut(std::int64_t size) {
  if (::ftruncate(fd_, size) != 0) return system_error("shorten", path(), errno);
  size_ = size;
  return {};
}

Result<void> DurableFile::commit() {
  if (fd_ >= 0 && sync_failure_ == 0) {
    if (sync_ && ::fsync(fd_) != 0) sync_failure_ = errno;
    // Network and quota file systems may report a failed write only here.
    if (::close(std::exchange(fd_, -1)) != 0 && sync_failure_ == 0) sync_failure_ = errno;
  }
  // A second fsync would succeed: the kernel has dropped what it could not write.
  if (sync_failure_ != 0) return system_error("sync", path(), sync_failure_);
  if (!temporary_.empty() && ::renameat(place_.folder(), temporary_.c_str(), place_.folder(), place_.name().c_str()) != 0) {
    return system_error("put in its place", path(), errno);
  }
  temporary_.clear();
  return sync_ ? place_.sync() : Result<void>();
}

bool holds_same_bytes(const OutputPlace& place, std::span<const std::uint8_t> bytes) {
  const int fd = ::openat(place.folder(), place.name().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat state {};
  bool same = ::fstat(fd, &state) == 0 && S_ISREG(state.st_mode) && state.st_size == static_cast<off_t>(bytes.size());
  std::array<std::uint8_t, 64 * 1024> block;
  while (same && !bytes.empty()) {
    const ssize_t got = ::read(fd, block.data(), std::min(block.size(), bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    same = got > 0 && std::memcmp(block.data(), bytes.data(), static_cast<std::size_t>(got)) == 0;
    if (same) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  ::close(fd);
  return same;
}

}  // namespace ride::tasks
