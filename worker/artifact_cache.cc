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

// Those that were taken up longest ago go first.
void ArtifactCache::make_room(std::int64_t bytes) const {
  auto files = files_in(folder_);
  std::int64_t total = bytes;
  for (const auto& file : files) total += file.bytes;
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.used < b.used; });
  for (const auto& file : files) {
    if (total <= most_bytes_) return;
    if (evict(file.path)) total -= file.bytes;
  }
}

Result<void> ArtifactCache::put(const stream::ArtifactRef& ref, const Fill& fill,
                                const stream::Stopped& stopped) const {
  const auto part = folder_ / ".part";
  ::unlink(part.c_str());  // of somebody who died: only who has the lock writes
  make_room(ref.size);
  const process::Descriptor file(::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.ok()) return cache_error(part, "cannot be made", errno);
  if (const int why = ::posix_fallocate(file.get(), 0, ref.size); why != 0) {
    ::unlink(part.c_str());
    return cache_error(part, fmt::format("cannot have {} bytes", ref.size).c_str(), why);
  }
  const auto write = [&](std::int64_t at, std::span<const std::uint8_t> bytes) -> Result<void> {
    if (at < 0 || at > ref.size || static_cast<std::int64_t>(bytes.size()) > ref.size - at)
      return corrupt(fmt::format("bytes behind the end of the artifact '{}' came", ref.name));
    return write_all(file.get(), part, at, bytes);
  };
  auto filled = [&]() -> Result<void> {
    RIDE_TRY(fill(write));
    RIDE_ASSIGN(const auto hash, hash_of(file.get(), stopped));
    if (hash != ref.sha256)
      return corrupt(
          fmt::format("what Kafka holds of the artifact '{}' has the SHA-256 {}, but {} is wanted. Submit the "
                      "topology again from the machine that has the file",
                      ref.name, hash, ref.sha256));
    if (::fsync(file.get()) != 0) return cache_error(part, "cannot be written", errno);
    const auto path = path_of(ref);
    std::error_code failed;
    fs::create_directory(path.parent_path(), failed);
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
  process::FileLock lock(folder_ / ".lock", failed, 0600);
  if (!lock.ok()) return cache_error(folder_ / ".lock", "cannot be made", failed.value());
  for (;;) {
    const auto why = lock.try_lock();
    if (!why) break;
    if (why != std::errc::operation_would_block) return cache_error(folder_ / ".lock", "cannot be locked", why.value());
    if (stopped()) return Error{ErrorCode::cancelled, "stopped"};
    std::this_thread::sleep_for(kLockLook);
  }
  RIDE_ASSIGN(there, hold(ref, stopped));  // somebody else may have fetched it
  if (there) return *std::move(there);
  RIDE_TRY(put(ref, fill, stopped));
  RIDE_ASSIGN(there, hold(ref, stopped));
  if (there) return *std::move(there);
  return Error{ErrorCode::internal, fmt::format("{} changes while it is used", path_of(ref).string()), true};
}

}  // namespace ride::worker
