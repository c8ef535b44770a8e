#include "worker/tasks/durable_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "common/text.h"
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

Result<void> copy_bytes(int from, int to, std::int64_t size, const std::string& path) {
  std::array<std::uint8_t, std::size_t{64} * 1024> block;
  for (std::int64_t at = 0; at < size;) {
    const auto most = std::min(block.size(), static_cast<std::size_t>(size - at));
    const ssize_t got = ::pread(from, block.data(), most, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return system_error("read back", path, got < 0 ? errno : EIO);
    const auto bytes = static_cast<std::size_t>(got);
    if (auto written = write_fully(to, std::span<const std::uint8_t>(block.data(), bytes), at, path); !written)
      return written;
    at += got;
  }
  return {};
}

constexpr std::string_view kEnding = ".ride-tmp";
constexpr auto kOld = std::chrono::hours(1);
constexpr auto kQuiet = std::chrono::minutes(10);      // of another machine: locks may be known there only
constexpr auto kLookAgain = std::chrono::seconds(60);  // where somebody else was still writing: it may be about to die

std::atomic<std::int64_t> takeovers{0};

// What every temporary file of this stage has in its name, and of no other: names are cut, so the whole is hashed.
std::string mark_of(const FileWriter& writer) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : writer.job + "/" + writer.stage) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return fmt::format(".{}-{:016x}.", safe_file_name(writer.stage).substr(0, 40), hash);
}

// Whose locks we see for certain: the running kernel, which containers share.
std::string kernel_id() {
  static const std::string kId = [] {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return safe_file_name(id).substr(0, 8);
  }();
  return kId;
}

// Nobody writes the file: `free`. `held`: somebody does. `unreadable`: not ours to open (another user's, a link), so it
// may be held. `unknown`: it is no plain file, or its file system knows no locks.
enum class Lock { free, held, unreadable, unknown };
Lock lock_of(int folder, const std::string& name) {
  const int fd = ::openat(folder, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return Lock::unreadable;
  struct stat state {};
  Lock lock = Lock::unknown;
  if (::fstat(fd, &state) == 0 && S_ISREG(state.st_mode))
    lock = ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? Lock::free : errno == EWOULDBLOCK ? Lock::held : Lock::unknown;
  // Removed while we hold the lock: who has just made it and waits for the lock sees that it is gone, and makes
  // another.
  if (lock == Lock::free) ::unlinkat(folder, name.c_str(), 0);
  ::close(fd);
  return lock;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// As temporary_for() makes it, or earlier versions did: ".<name>.<writer>.<pid>-<n>.ride-tmp", the writer with dots in
// it. A user's own file may end like ours.
bool has_our_form(std::string_view name) {
  if (name.size() <= kEnding.size() || !name.starts_with('.') || !name.ends_with(kEnding)) return false;
  name.remove_prefix(1);
  name.remove_suffix(kEnding.size());
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const auto head = name.substr(0, dot), tail = name.substr(dot + 1);
  const auto dash = tail.find('-'), inner = head.rfind('.');
  if (dash == std::string_view::npos || inner == std::string_view::npos) return false;
  return inner > 0 && inner + 1 < head.size() && is_number(tail.substr(0, dash)) && is_number(tail.substr(dash + 1));
}

// True: somebody of this stage is writing here.
bool remove_leftovers(int opened, const std::string& mark, const std::string& own) {
  const fs::path folder = fmt::format("/proc/self/fd/{}", opened);  // the one that was opened, whatever its path is now
  const std::string here = "." + kernel_id() + ".";
  bool held = false;
  std::error_code ignored;  // a leftover that stays does no harm
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!has_our_form(name) || name == own) continue;
    std::error_code failed;
    const auto written = entry->last_write_time(failed);
    if (failed) continue;
    const auto rests = fs::file_time_type::clock::now() - written;
    const bool old = rests > kOld, of_stage = name.find(mark) != std::string::npos;
    if (!of_stage && !old) continue;
    if (name.find(here) == std::string::npos && rests < kQuiet) {
      held = true;
      continue;
    }
    const auto lock = lock_of(opened, name);
    held = held || (of_stage && lock == Lock::held);
    if (lock == Lock::unknown && old && entry->is_regular_file(failed)) ::unlinkat(opened, name.c_str(), 0);
  }
  return held;
}

// A folder is looked through once, again after each takeover, and after a while where somebody was still writing.
class Looked {
 public:
  bool is_due(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (seen_.size() > 10'000) seen_.clear();  // bounded; a folder looked at twice costs time only
    auto [at, fresh] = seen_.try_emplace(key);
    const auto now = std::chrono::steady_clock::now();
    const auto takeover = takeovers.load();
    if (!fresh && at->second.takeover == takeover && now < at->second.again) return false;
    at->second = {takeover, std::chrono::steady_clock::time_point::max()};
    return true;
  }
  void look_again(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (const auto at = seen_.find(key); at != seen_.end())
      at->second.again = std::chrono::steady_clock::now() + kLookAgain;
  }

 private:
  struct Folder {
    std::int64_t takeover = 0;
    std::chrono::steady_clock::time_point again{};
  };
  std::mutex mutex_;
  std::map<std::string, Folder> seen_;
};

void clear_up(const OutputPlace& place, const std::string& mark, const std::string& own) {
  static Looked looked;
  const std::string key = mark + place.folder_path();
  if (looked.is_due(key) && remove_leftovers(place.folder(), mark, own)) looked.look_again(key);
}

// At most `most` bytes of it, and no half character: some file systems take UTF-8 alone.
std::string_view cut_at_character(std::string_view text, std::size_t most) {
  std::size_t end = 0;
  while (end < text.size()) {
    const auto next = end + std::max<std::size_t>(1, utf8_length(text, end));
    if (next > most) break;
    end = next;
  }
  return text.substr(0, end);
}

// The kernel's limit on a name is 255 bytes; all parts are cut, the counter keeps them apart.
std::string temporary_for(const std::string& name, const std::string& mark, const std::string& worker) {
  static std::atomic<std::uint64_t> counter{0};
  return fmt::format(".{}{}{}.{}.{}-{}{}", cut_at_character(name, 100), mark, safe_file_name(worker).substr(0, 40),
                     kernel_id(), ::getpid(), counter.fetch_add(1), kEnding);
}

constexpr int kNewFile = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;  // read where it has to be written anew

// The new file, locked; -1 with errno: it cannot be made. Between its making and the lock, somebody who clears up may
// have taken it for a leftover.
int open_temporary(int folder, std::string& temporary, const std::string& name, const std::string& mark,
                   const std::string& worker) {
  for (int attempt = 0;; ++attempt) {
    temporary = temporary_for(name, mark, worker);
    const int fd = ::openat(folder, temporary.c_str(), kNewFile, 0666);
    if (fd < 0) return fd;
    const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    struct stat state {};
    const bool gone = (!locked && errno == EWOULDBLOCK) || ::fstat(fd, &state) != 0 || state.st_nlink == 0;
    if (!gone || attempt >= 3) return fd;
    ::close(fd);
    ::unlinkat(folder, temporary.c_str(), 0);
  }
}

}  // namespace

void look_for_leftovers() { ++takeovers; }

Result<DurableFile> DurableFile::create(const std::string& path, const FileWriter& writer, bool sync) {
  auto place = OutputPlace::open(path, sync);
  if (!place) return place.error();
  // What is written aside under a shorter name must not find at its end only that its own is not taken.
  struct stat there {};
  if (::fstatat(place->folder(), place->name().c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 &&
      (errno == ENAMETOOLONG || errno == EINVAL || errno == EILSEQ))
    return name_error("write", path, errno);
  const std::string mark = mark_of(writer);
  std::string temporary;
  const int fd = open_temporary(place->folder(), temporary, place->name(), mark, writer.worker);
  if (fd < 0) return name_error("write", path, errno);
  clear_up(*place, mark, temporary);
  return DurableFile(std::move(place).value(), temporary, fd, sync);
}

DurableFile::DurableFile(OutputPlace place, std::string temporary, int fd, bool sync)
    : place_(std::move(place)), temporary_(std::move(temporary)), fd_(fd), sync_(sync) {}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : place_(std::move(other.place_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      lock_(std::exchange(other.lock_, -1)),
      sync_(other.sync_),
      sync_failure_(other.sync_failure_),
      size_(other.size_) {}

DurableFile& DurableFile::operator=(DurableFile&& other) noexcept {
  if (this == &other) return *this;
  discard();
  place_ = std::move(other.place_);
  temporary_ = std::exchange(other.temporary_, {});
  fd_ = std::exchange(other.fd_, -1);
  lock_ = std::exchange(other.lock_, -1);
  sync_ = other.sync_;
  sync_failure_ = other.sync_failure_;
  size_ = other.size_;
  return *this;
}

DurableFile::~DurableFile() { discard(); }

void DurableFile::discard() {
  if (!temporary_.empty()) ::unlinkat(place_.folder(), std::exchange(temporary_, {}).c_str(), 0);
  close_all();
}

void DurableFile::close_all() {
  for (int* fd : {&fd_, &lock_})
    if (*fd >= 0) ::close(std::exchange(*fd, -1));
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

Result<void> DurableFile::sync_and_close() {
  if (fd_ >= 0 && sync_failure_ == 0) {
    if (sync_ && ::fsync(fd_) != 0) sync_failure_ = errno;
    // Network and quota file systems may report a failed write only when it is closed; the lock stays with the copy.
    lock_ = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (lock_ >= 0 && ::close(std::exchange(fd_, -1)) != 0 && sync_failure_ == 0) sync_failure_ = errno;
  }
  // A second fsync would succeed: the kernel has dropped what it could not write.
  if (sync_failure_ != 0) return system_error("sync", path(), sync_failure_);
  return {};
}

bool DurableFile::put_in_place() {
  return temporary_.empty() ||
         ::renameat(place_.folder(), temporary_.c_str(), place_.folder(), place_.name().c_str()) == 0;
}

// Somebody has removed the temporary file, or its folder: what was written can still be read through the descriptor. On
// an Error nothing has changed, for the next try.
Result<void> DurableFile::write_anew() {
  auto place = OutputPlace::open(path(), sync_);
  if (!place) return place.error();
  const int fd = ::openat(place->folder(), temporary_.c_str(), kNewFile, 0666);
  if (fd < 0) return name_error("write", path(), errno);
  ::flock(fd, LOCK_EX | LOCK_NB);  // who takes it for a leftover before that makes commit() fail once more
  auto copied = copy_bytes(lock_ >= 0 ? lock_ : fd_, fd, size_, path());
  if (!copied) {
    ::unlinkat(place->folder(), temporary_.c_str(), 0);
    ::close(fd);
    return copied;
  }
  close_all();
  place_ = std::move(place).value();
  fd_ = fd;
  return {};
}

Result<void> DurableFile::commit() {
  if (auto closed = sync_and_close(); !closed) return closed;
  bool placed = put_in_place();
  if (!placed && errno == ENOENT) {
    if (auto anew = write_anew(); !anew) return anew;
    if (auto closed = sync_and_close(); !closed) return closed;
    placed = put_in_place();
  }
  if (!placed) return name_error("put in its place", path(), errno);
  temporary_.clear();
  close_all();
  return sync_ ? place_.sync() : Result<void>();
}

bool holds_same_bytes(const OutputPlace& place, std::span<const std::uint8_t> bytes) {
  const int fd = ::openat(place.folder(), place.name().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat state {};
  bool same = ::fstat(fd, &state) == 0 && S_ISREG(state.st_mode) && state.st_size == static_cast<off_t>(bytes.size());
  std::array<std::uint8_t, std::size_t{64} * 1024> block;
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
