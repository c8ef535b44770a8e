#include "worker/artifact_cache.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "common/log.h"
#include "common/sha256.h"
#include "process/file_lock.h"

namespace ride::worker {
namespace fs = std::filesystem;
namespace {

constexpr auto kLockLook = std::chrono::milliseconds(50);
constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::string_view kPart = ".part-", kLock = ".lock-";  // with the SHA-256

Error cache_error(const fs::path& path, const char* what, int why) {
  const bool full = why == ENOSPC || why == EDQUOT;
  const bool refused = why == EACCES || why == EPERM || why == EROFS;
  return {full      ? ErrorCode::resource_exhausted
          : refused ? ErrorCode::permission
                    : ErrorCode::internal,
          fmt::format("the cache of artifacts: {} {}: {}{}", path.string(), what, std::strerror(why),
                      refused ? ". Name another folder with RIDE_ARTIFACTS or --artifacts, on the agent" : ""),
          full};
}

// Of a whole file; empty: it cannot be read. cancelled: stopped.
Result<std::string> hash_of(int file, const stream::Stopped& stopped) {
  Sha256 sum;
  std::string bytes(kReadBytes, '\0');
  for (off_t at = 0;;) {
    if (stopped()) return Error{ErrorCode::cancelled, "stopped"};
    const ssize_t got = ::pread(file, bytes.data(), bytes.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::string();
    if (got == 0) return sum.hex();
    sum.add({bytes.data(), static_cast<std::size_t>(got)});
    at += got;
  }
}

Result<void> write_all(int file, const fs::path& path, std::int64_t at, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(file, bytes.data(), bytes.size(), at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return cache_error(path, "cannot be written", errno);
    at += put;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

struct CacheFile {
  fs::path path;
  std::int64_t bytes = 0;
  fs::file_time_type used;
};

std::vector<CacheFile> files_in(const fs::path& folder) {
  std::vector<CacheFile> files;
  std::error_code failed;
  for (fs::directory_iterator outer(folder, failed), end; !failed && outer != end; outer.increment(failed)) {
    if (!is_sha256_hex(outer->path().filename().string())) continue;
    std::error_code inside;
    for (fs::directory_iterator inner(outer->path(), inside); !inside && inner != end; inner.increment(inside)) {
      std::error_code gone;
      CacheFile file{inner->path(), static_cast<std::int64_t>(inner->file_size(gone)), inner->last_write_time(gone)};
      if (!gone) files.push_back(std::move(file));
    }
  }
  return files;
}

// False: a worker holds it.
bool evict(const fs::path& path) {
  const process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.ok() || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
  if (::unlink(path.c_str()) != 0) return false;
  ::rmdir(path.parent_path().c_str());  // another name of the same content may be there
  return true;
}

fs::path beside(const fs::path& folder, std::string_view kind, const std::string& sha256) {
  return folder / (std::string(kind) + sha256);
}

std::int64_t bytes_of_parts(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code failed;
  for (fs::directory_iterator one(folder, failed), end; !failed && one != end; one.increment(failed)) {
    std::error_code gone;
    const auto size = one->path().filename().string().starts_with(kPart) ? one->file_size(gone) : 0;
    if (!gone) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

// `try_lock`: an error_code; operation_would_block: somebody else has it.
template <class TryLock>
Result<void> wait_for(const fs::path& path, TryLock try_lock, const stream::Stopped& stopped) {
  for (;;) {
    const std::error_code why = try_lock();
    if (!why) return {};
    if (why != std::errc::operation_would_block) return cache_error(path, "cannot be locked", why.value());
    if (stopped()) return Error{ErrorCode::cancelled, "stopped"};
    std::this_thread::sleep_for(kLockLook);
  }
}

// The lock of one content. Its file is gone when nobody holds it; who waited for that one asks for a new one.
class ContentLock {
 public:
  explicit ContentLock(fs::path path) : path_(std::move(path)) {}
  ~ContentLock() {
    if (held_) ::unlink(path_.c_str());
  }
  ContentLock(const ContentLock&) = delete;
  ContentLock& operator=(const ContentLock&) = delete;

  std::error_code try_lock() {
    std::error_code why;
    lock_ = process::FileLock(path_, why, 0600);
    if (!lock_.ok()) return why;
    if ((why = lock_.try_lock())) return why;
    struct stat mine {
    }, there{};
    held_ = ::fstat(lock_.descriptor(), &mine) == 0 && ::stat(path_.c_str(), &there) == 0 &&
            mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
    return held_ ? std::error_code() : std::make_error_code(std::errc::operation_would_block);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  process::FileLock lock_;
  bool held_ = false;
};

void sync_folder(const fs::path& folder) {
  const process::Descriptor open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (open.ok()) ::fsync(open.get());
}

}  // namespace

Result<fs::path> artifacts_folder(const Environment& environment) {
  const auto value = [&](const char* name) { return environment(name).value_or(""); };
  if (const auto folder = value("RIDE_ARTIFACTS"); !folder.empty()) return fs::path(folder);
  // The XDG specification has relative paths ignored.
  if (const auto cache = value("XDG_CACHE_HOME"); cache.starts_with('/')) return fs::path(cache) / "ride" / "artifacts";
  if (const auto home = value("HOME"); !home.empty()) return fs::path(home) / ".cache" / "ride" / "artifacts";
  return Error{ErrorCode::not_found,
               "there is no folder for artifacts: neither RIDE_ARTIFACTS, XDG_CACHE_HOME nor HOME is set. Start the "
               "agent with --artifacts and a folder that its workers may write"};
}

// Nothing: it is not there, or not as it must be.
Result<std::optional<HeldArtifact>> ArtifactCache::hold(const stream::ArtifactRef& ref,
                                                        const stream::Stopped& stopped) const {
  const auto path = path_of(ref);
  process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  // Who holds it alone is about to remove it.
  if (!file.ok() || ::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return std::optional<HeldArtifact>();
  struct stat about {};
  if (::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink == 0)
    return std::optional<HeldArtifact>();
  std::string hash;
  if (about.st_size == ref.size) {
    RIDE_ASSIGN(hash, hash_of(file.get(), stopped));
  }
  if (hash != ref.sha256) {
    log_warning("{} is not what its name says: it is fetched again", path.string());
    return std::optional<HeldArtifact>();
  }
  ::futimens(file.get(), nullptr);  // it is used
  return std::optional(HeldArtifact{path.string(), std::move(file)});
}

// What somebody was writing who died.
void ArtifactCache::sweep_parts() const {
  std::error_code failed;
  ::unlink((folder_ / ".part").c_str());  // of versions that had one lock for all: it is ours now
  for (fs::directory_iterator one(folder_, failed), end; !failed && one != end; one.increment(failed)) {
    const auto name = one->path().filename().string();
    if (!name.starts_with(kPart)) continue;
    if (ContentLock lock(beside(folder_, kLock, name.substr(kPart.size()))); !lock.try_lock())
      ::unlink(one->path().c_str());
  }
}

// Those that were taken up longest ago go first. One at a time, so that two do not count on the same space.
Result<process::Descriptor> ArtifactCache::reserve(const fs::path& part, std::int64_t bytes,
                                                   const stream::Stopped& stopped) const {
  std::error_code failed;
  process::FileLock lock(folder_ / ".lock", failed, 0600);
  if (!lock.ok()) return cache_error(folder_ / ".lock", "cannot be made", failed.value());
  RIDE_TRY(wait_for(
      folder_ / ".lock", [&] { return lock.try_lock(); }, stopped));
  sweep_parts();
  auto files = files_in(folder_);
  std::int64_t total = bytes + bytes_of_parts(folder_);
  for (const auto& file : files) total += file.bytes;
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.used < b.used; });
  auto next = files.begin();
  const auto would_be_enough = [&] {
    std::error_code unknown;
    const auto space = fs::space(folder_, unknown);
    std::int64_t there = unknown ? bytes : static_cast<std::int64_t>(std::min<std::uintmax_t>(space.available, bytes));
    for (auto one = next; one != files.end(); ++one) there += one->bytes;
    return there >= bytes;
  };
  const auto evict_next = [&] {  // false: there is none
    for (; next != files.end(); ++next) {
      if (!evict(next->path)) continue;
      total -= (next++)->bytes;
      return true;
    }
    return false;
  };
  while (total > most_bytes_ && evict_next()) {
  }
  ::unlink(part.c_str());  // of somebody who died
  process::Descriptor file(::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.ok()) return cache_error(part, "cannot be made", errno);
  for (;;) {
    const int why = ::posix_fallocate(file.get(), 0, bytes);
    if (why == 0) return file;
    if (why == EINTR && !stopped()) continue;
    if ((why == ENOSPC || why == EDQUOT) && would_be_enough() && evict_next()) continue;
    ::unlink(part.c_str());
    return cache_error(part, fmt::format("cannot have {} bytes", bytes).c_str(), why);
  }
}

Result<void> ArtifactCache::put(const stream::ArtifactRef& ref, const Fill& fill,
                                const stream::Stopped& stopped) const {
  const auto part = beside(folder_, kPart, ref.sha256);
  process::Descriptor file;
  const auto write = [&](std::int64_t at, std::span<const std::uint8_t> bytes) -> Result<void> {
    if (at < 0 || at > ref.size || static_cast<std::int64_t>(bytes.size()) > ref.size - at)
      return corrupt(fmt::format("bytes behind the end of the artifact '{}' came", ref.name));
    if (!file.ok()) {
      RIDE_ASSIGN(file, reserve(part, ref.size, stopped));
    }
    return write_all(file.get(), part, at, bytes);
  };
  auto filled = [&]() -> Result<void> {
    RIDE_TRY(fill(write));
    std::string hash = "of nothing";
    if (file.ok()) {
      RIDE_ASSIGN(hash, hash_of(file.get(), stopped));
    }
    if (hash != ref.sha256)
      return corrupt(
          fmt::format("what Kafka holds of the artifact '{}' has the SHA-256 {}, but {} is wanted. Submit the "
                      "topology again from the machine that has the file",
                      ref.name, hash, ref.sha256));
    if (::fsync(file.get()) != 0) return cache_error(part, "cannot be written", errno);
    const auto path = path_of(ref);
    std::error_code failed;
    fs::create_directory(path.parent_path(), failed);
    if (failed) return cache_error(path.parent_path(), "cannot be made", failed.value());
    if (::rename(part.c_str(), path.c_str()) != 0) return cache_error(path, "cannot be made", errno);
    sync_folder(path.parent_path());
    return {};
  }();
  if (!filled.ok()) ::unlink(part.c_str());
  return filled;
}

Result<HeldArtifact> ArtifactCache::get(const stream::ArtifactRef& ref, const Fill& fill,
                                        const stream::Stopped& stopped) {
  if (const auto fault = stream::find_fault(ref)) return invalid_argument(*fault);
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return cache_error(folder_, "cannot be made", failed.value());
  RIDE_ASSIGN(auto there, hold(ref, stopped));
  if (there) return *std::move(there);
  ContentLock lock(beside(folder_, kLock, ref.sha256));
  RIDE_TRY(wait_for(
      lock.path(), [&] { return lock.try_lock(); }, stopped));
  RIDE_ASSIGN(there, hold(ref, stopped));  // somebody else may have fetched it
  if (there) return *std::move(there);
  RIDE_TRY(put(ref, fill, stopped));
  RIDE_ASSIGN(there, hold(ref, stopped));
  if (there) return *std::move(there);
  return Error{ErrorCode::internal, fmt::format("{} changes while it is used", path_of(ref).string()), true};
}

}  // namespace ride::worker
