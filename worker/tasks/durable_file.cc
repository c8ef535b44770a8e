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

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::resource_exhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission;
    case ENOENT:
      return ErrorCode::not_found;
    case ENAMETOOLONG:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
      return ErrorCode::invalid_argument;
    default:
      return ErrorCode::unavailable;
  }
}

const char* fix_for(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "free space on that disk, or write to another one";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f), or write to another file system";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    case EACCES:
    case EPERM:
      return "give the user that runs the worker the right to write there";
    case EROFS:
      return "mount that file system for writing, or write to another one";
    case ENAMETOOLONG:
      return "shorten 'path' or the source's name";
    case EISDIR:
      return "a folder has that name; move it away or change 'path'";
    case ENOTDIR:
    case ELOOP:
      return "a part of the path is no folder; move it away or change 'path'";
    default:
      return "look at that disk, or write to another one";
  }
}

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

Result<void> sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("open the folder", folder, errno);
  const int failed = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  // Some network file systems cannot sync a folder; they order renames themselves.
  if (failed != 0 && failed != EINVAL && failed != ENOTSUP) return system_error("sync the folder", folder, failed);
  return {};
}

// Once per folder and process: what a killed writer left, old enough that nobody can be writing it any more.
void remove_leftovers(const std::string& folder) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  {
    const std::lock_guard lock(mutex);
    if (!seen.insert(folder).second) return;
    if (seen.size() > 10000) seen.clear();  // bounded; a folder looked at twice costs time only
  }
  constexpr auto kOld = std::chrono::hours(1);
  std::error_code ignored;  // a leftover that stays does no harm
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') || !name.ends_with(".ride-tmp")) continue;
    const auto written = entry->last_write_time(ignored);
    if (!ignored && fs::file_time_type::clock::now() - written > kOld) fs::remove(entry->path(), ignored);
  }
}

// The kernel's limit on a name is 255 bytes; name and tag are cut, the counter keeps them apart.
std::string temporary_for(const std::string& path, const std::string& tag) {
  static std::atomic<std::uint64_t> counter{0};
  const std::string name = fs::path(path).filename().string().substr(0, 120);
  return fmt::format("{}/.{}.{}.{}-{}.ride-tmp", folder_of(path), name, safe_file_name(tag).substr(0, 60), ::getpid(),
                     counter.fetch_add(1));
}

}  // namespace

Error system_error(const std::string& what, const std::string& path, int error_number) {
  const ErrorCode code = code_of(error_number);
  // A name that cannot exist fails for ever; all else can be mended while the frame waits.
  return {code, fmt::format("cannot {} '{}': {}; {}", what, path, std::strerror(error_number), fix_for(error_number)),
          error_number != ENAMETOOLONG};
}

Result<void> make_folders_for(const std::string& path, bool sync) {
  const std::string folder = folder_of(path);
  struct stat state {};
  if (::stat(folder.c_str(), &state) == 0) {
    if (S_ISDIR(state.st_mode)) return {};
    return system_error("make a folder at", folder, ENOTDIR);
  }
  if (auto parents = make_folders_for(folder, sync); !parents) return parents;
  // EEXIST: another writer was quicker.
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return system_error("make the folder", folder, errno);
  return sync ? sync_folder(folder_of(folder)) : Result<void>();
}

Result<DurableFile> DurableFile::create(const std::string& path, const std::string& tag, bool sync) {
  if (auto made = make_folders_for(path, sync); !made) return made.error();
  remove_leftovers(folder_of(path));
  const std::string temporary = temporary_for(path, tag);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return system_error("write", path, errno);
  return DurableFile(path, temporary, fd, sync);
}

DurableFile::DurableFile(std::string path, std::string temporary, int fd, bool sync)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd), sync_(sync) {}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      sync_(other.sync_),
      sync_failure_(other.sync_failure_),
      size_(other.size_) {}

DurableFile& DurableFile::operator=(DurableFile&& other) noexcept {
  if (this == &other) return *this;
  discard();
  path_ = std::move(other.path_);
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
  if (!temporary_.empty()) ::unlink(std::exchange(temporary_, {}).c_str());
}

Result<void> DurableFile::write(std::span<const std::uint8_t> bytes) {
  if (auto written = write_fully(fd_, bytes, size_, path_); !written) return written;
  size_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

Result<void> DurableFile::write_at(std::int64_t offset, std::span<const std::uint8_t> bytes) {
  RIDE_CHECK(offset >= 0 && offset + static_cast<std::int64_t>(bytes.size()) <= size_, "write_at() beyond the end");
  return write_fully(fd_, bytes, offset, path_);
}

Result<void> DurableFile::cut(std::int64_t size) {
  if (::ftruncate(fd_, size) != 0) return system_error("shorten", path_, errno);
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
  if (sync_failure_ != 0) return system_error("sync", path_, sync_failure_);
  if (!temporary_.empty() && ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return system_error("put in its place", path_, errno);
  }
  temporary_.clear();
  return sync_ ? sync_folder(folder_of(path_)) : Result<void>();
}

bool holds_same_bytes(const std::string& path, std::span<const std::uint8_t> bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
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
