#include "worker/tasks/output_place.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/output_folders.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;

// Where this process may write; empty: anywhere. Set before tasks run, and never again.
std::vector<std::string>& output_folders() {
  static std::vector<std::string> folders;
  return folders;
}

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
    case EXDEV:
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
      return "a part of the path is not a folder; move it away or change 'path'";
    default:
      return "look at that disk, or write to another one";
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;

Result<void> sync_at(int folder, const std::string& name) {
  const Descriptor readable(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (readable.get() < 0) return system_error("open the folder", name, errno);
  // Some network file systems cannot sync a folder; they order renames themselves.
  if (::fsync(readable.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    return system_error("sync the folder", name, errno);
  return {};
}

Error leads_outside(const std::string& path, const std::string& folder) {
  return {
      ErrorCode::permission,
      fmt::format("cannot write '{}': a symbolic link leads out of the output folder {}; remove it, or name the folder "
                  "that it leads to with ride-agent --output",
                  path, folder),
      true};
}

// Without following links at all, for kernels before 5.6 and sandboxes that do not know openat2.
int open_step_by_step(int root, const std::string& relative) {
  Descriptor at(::openat(root, ".", kFolder));
  for (const auto& part : fs::path(relative)) {
    if (at.get() < 0) return -1;
    struct stat facts {};
    const bool link = ::fstatat(at.get(), part.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(facts.st_mode);
    Descriptor next(::openat(at.get(), part.c_str(), kFolder | O_NOFOLLOW));
    if (next.get() < 0 && link) errno = EXDEV;
    at = std::move(next);
  }
  return at.release();
}

// The folder `relative` below `root`; EXDEV: it leads outside.
int open_beneath(int root, const std::string& relative) {
  // The tests reach what older kernels do; it allows less, not more.
  if (std::getenv("RIDE_NO_OPENAT2") != nullptr) return open_step_by_step(root, relative);
  open_how how{};
  how.flags = kFolder;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto fd = ::syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == ELOOP) errno = EXDEV;
    if (errno == ENOSYS || errno == EPERM) return open_step_by_step(root, relative);
    if (errno != EAGAIN && errno != EINTR) return -1;  // EAGAIN: something was renamed meanwhile
  }
  return -1;
}

// Every folder on the way is opened before the next one is made in it: a link that appears meanwhile is seen.
Result<Descriptor> make_beneath(int root, const PlaceInFolder& place, const std::string& path, bool sync) {
  const std::string wanted = folder_of(place.relative);
  Descriptor whole(open_beneath(root, wanted));
  if (whole.get() >= 0) return whole;
  Descriptor at(::openat(root, ".", kFolder));
  std::string reached;
  for (const auto& part : fs::path(wanted)) {
    reached += (reached.empty() ? "" : "/") + part.string();
    Descriptor next(open_beneath(root, reached));
    if (next.get() < 0 && errno == ENOENT) {
      // EEXIST: another writer was quicker.
      if (::mkdirat(at.get(), part.c_str(), 0777) != 0 && errno != EEXIST)
        return name_error("make the folder", place.folder + "/" + reached, errno);
      if (auto synced = sync ? sync_at(at.get(), place.folder) : Result<void>(); !synced) return synced.error();
      next = Descriptor(open_beneath(root, reached));
      if (next.get() < 0 && errno == ENOENT) errno = EXDEV;  // a link that leads nowhere
    }
    if (next.get() < 0 && errno == EXDEV) return leads_outside(path, place.folder);
    if (next.get() < 0) return name_error("make a folder at", place.folder + "/" + reached, errno);
    at = std::move(next);
  }
  return at;
}

// By its path, links followed: the node's own folders, and all of them where nothing is confined.
Result<Descriptor> make_folder(const std::string& folder, bool sync) {
  Descriptor open(::open(folder.c_str(), kFolder));
  if (open.get() >= 0) return open;
  if (errno != ENOENT) return name_error("make a folder at", folder, errno);
  const std::string parent = folder_of(folder);
  auto above = make_folder(parent, sync);
  if (!above) return above;
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return name_error("make the folder", folder, errno);
  if (auto synced = sync ? sync_at(above->get(), parent) : Result<void>(); !synced) return synced.error();
  Descriptor made(::open(folder.c_str(), kFolder));
  if (made.get() < 0) return system_error("make a folder at", folder, errno);
  return made;
}

Error outside(const std::string& path) {
  return {
      ErrorCode::permission,
      fmt::format("'{}' is outside of the folders that sinks may write to on this node ({}); write below one of these, "
                  "or start ride-agent with --output and its folder",
                  path, list_folders(output_folders()))};
}

}  // namespace

Error system_error(const std::string& what, const std::string& path, int error_number) {
  const ErrorCode code = code_of(error_number);
  // A name that cannot exist fails for ever; all else can be fixed while the frame waits.
  return {code, fmt::format("cannot {} '{}': {}; {}", what, path, std::strerror(error_number), fix_for(error_number)),
          error_number != ENAMETOOLONG};
}

Error name_error(const std::string& what, const std::string& path, int error_number) {
  if (error_number != EINVAL && error_number != EILSEQ) return system_error(what, path, error_number);
  return {
      ErrorCode::invalid_argument,
      fmt::format("cannot {} '{}': {}; its file system does not take this name: change 'path' or the source's name, "
                  "or write to another file system",
                  what, path, std::strerror(error_number)),
      false};
}

void confine_outputs(const std::vector<std::string>& folders) {
  std::error_code failed;
  const std::string here = fs::current_path(failed).string();
  output_folders().clear();
  for (const auto& folder : folders) output_folders().push_back(plain_folder(folder, here));
}

Result<void> check_output(const std::string& path) {
  if (output_folders().empty() || place_in(path, output_folders())) return {};
  return outside(path);
}

bool outputs_are_confined() { return !output_folders().empty(); }

Result<OutputPlace> OutputPlace::open(const std::string& path, bool sync) {
  if (output_folders().empty()) {
    auto folder = make_folder(folder_of(path), sync);
    if (!folder) return folder.error();
    return OutputPlace(folder->release(), path);
  }
  const auto place = place_in(path, output_folders());
  if (!place) return outside(path);
  auto root = make_folder(place->folder, sync);
  if (!root) return root.error();
  auto folder = make_beneath(root->get(), *place, path, sync);
  if (!folder) return folder.error();
  return OutputPlace(folder->release(), path);
}

OutputPlace::OutputPlace(int folder, std::string path)
    : folder_(folder), path_(std::move(path)), name_(fs::path(path_).filename().string()) {}
OutputPlace::OutputPlace(OutputPlace&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)), path_(std::move(other.path_)), name_(std::move(other.name_)) {}
OutputPlace& OutputPlace::operator=(OutputPlace&& other) noexcept {
  std::swap(folder_, other.folder_);
  path_ = std::move(other.path_);
  name_ = std::move(other.name_);
  return *this;
}
OutputPlace::~OutputPlace() {
  if (folder_ >= 0) ::close(folder_);
}

std::string OutputPlace::folder_path() const { return folder_of(path_); }
Result<void> OutputPlace::sync() const { return sync_at(folder_, folder_path()); }

}  // namespace ride::tasks
