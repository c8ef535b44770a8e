// Disks that are full and folders that refuse, for the tests of the sinks. Each ends with its scope.
#pragma once

#include <sys/resource.h>

#include <functional>
#include <string>

namespace ride::tasks {

// No file of this process may grow beyond `bytes` (the kernel answers EFBIG).
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes);
  ~FileSizeLimit();
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

// A folder without the right to write; for root, who has it always, also another effective user.
class ReadOnlyFolder {
 public:
  explicit ReadOnlyFolder(const std::string& path);
  ~ReadOnlyFolder();
  ReadOnlyFolder(const ReadOnlyFolder&) = delete;
  ReadOnlyFolder& operator=(const ReadOnlyFolder&) = delete;

 private:
  std::string path_;
};

// Runs `body` in a child process that sees a file system of `bytes` at `folder`, and gives back what it returned;
// "skip" where the system does not let this user mount.
std::string on_small_disk(const std::string& folder, int bytes, const std::function<std::string()>& body);

}  // namespace ride::tasks
