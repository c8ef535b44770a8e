#include "cli/local/file_watch.h"

#include <sys/stat.h>

namespace ride::cli {

FileWatch::FileWatch(std::vector<std::filesystem::path> files) {
  for (auto& path : files) {
    const auto now = state_of(path);
    files_.push_back({std::move(path), now, now});
  }
}

FileWatch::State FileWatch::state_of(const std::filesystem::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return {};
  return {.there = true,
          .device = about.st_dev,
          .file = about.st_ino,
          .size = about.st_size,
          .changed_ns = std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec};
}

std::vector<std::filesystem::path> FileWatch::saved() {
  std::vector<std::filesystem::path> found;
  for (auto& file : files_) {
    const auto now = state_of(file.path);
    const bool settled = now == file.last;
    file.last = now;
    if (!settled || !now.there || now == file.taken) continue;
    file.taken = now;
    found.push_back(file.path);
  }
  return found;
}

}  // namespace ride::cli
