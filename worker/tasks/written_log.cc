#include "worker/tasks/written_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/log.h"
#include "common/source_file.h"
#include "common/written_line.h"
#include "worker/tasks/output_place.h"

namespace ride::tasks {
namespace {

std::string& recipe_of_this_process() {
  static std::string recipe;
  return recipe;
}

constexpr std::size_t kLongestName = 4096;

// Empty: there is none, or a longer one than any of ours.
std::string attribute_of(const Frame& frame, const char* name, std::size_t longest) {
  const auto found = frame.attributes.find(name);
  return found == frame.attributes.end() || found->second.size() > longest ? std::string() : found->second;
}

std::string version_in_place(const std::string& path) {
  const auto place = OutputPlace::open(path, false);
  struct stat state {};
  if (!place || ::fstatat(place->folder(), place->name().c_str(), &state, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return file_version(state);
}

}  // namespace

void keep_written_logs(std::string recipe) { recipe_of_this_process() = std::move(recipe); }

WrittenLog::WrittenLog(const std::string& path_template, const std::string& job, std::string sink)
    : log_(written_log_path(path_template, job, sink)), sink_(std::move(sink)) {}

WrittenLog& WrittenLog::operator=(WrittenLog&& other) noexcept {
  std::swap(log_, other.log_);
  std::swap(sink_, other.sink_);
  std::swap(fd_, other.fd_);
  std::swap(warned_, other.warned_);
  return *this;
}

WrittenLog::~WrittenLog() {
  if (fd_ >= 0) ::close(fd_);
}

void WrittenLog::note(const Frame& frame, const std::string& path) {
  const auto& recipe = recipe_of_this_process();
  if (recipe.empty()) return;
  const auto file = attribute_of(frame, kSourceFileAttribute, kLongestName);
  const auto version = attribute_of(frame, kFileVersionAttribute, kLongestVersion);
  if (file.empty() || version.empty()) return;
  const auto written = version_in_place(path);
  const std::lock_guard lock(mutex_);
  if (written.empty() || !open_log()) return;
  const auto text = to_text(WrittenLine{.recipe = recipe,
                                        .sink = sink_,
                                        .from = frame.from,
                                        .source = frame.id.source,
                                        .file = file,
                                        .number = frame.id.number,
                                        .version = version,
                                        .path = path,
                                        .written = written});
  // One call a line: what other workers append lies before it or behind it.
  if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) warn(std::strerror(errno));
}

bool WrittenLog::open_log() {
  if (fd_ >= 0) return true;
  constexpr int kAppend = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int fd = ::open(log_.c_str(), kAppend, 0666);
  struct stat state {};
  if (fd < 0 || ::fstat(fd, &state) != 0 || !S_ISREG(state.st_mode)) {
    warn(fd < 0 ? std::strerror(errno) : "it is no plain file");
    if (fd >= 0) ::close(fd);
    return false;
  }
  fd_ = fd;
  return true;
}

void WrittenLog::warn(const std::string& why) {
  if (std::exchange(warned_, true)) return;
  log_warning("{}: what is written cannot be noted down ({}); a resumed run writes it again", log_, why);
}

}  // namespace ride::tasks
