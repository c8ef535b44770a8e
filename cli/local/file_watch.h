// Which of some files were saved: looked at again and again, by path, so that an editor which writes another file and
// renames it, and file systems that tell nobody, are seen alike. A file counts as saved when it is there and two looks
// have found the same, so none is taken half-written. Owner: one thread. Failure: none; a file that is not there is
// waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace ride::cli {

class FileWatch {
 public:
  static constexpr std::chrono::milliseconds kLook{100};  // between two looks

  // As they are now counts as seen.
  explicit FileWatch(std::vector<std::filesystem::path> files);

  // Those that were saved since they were last given, or since the beginning.
  std::vector<std::filesystem::path> saved();

 private:
  struct State {
    bool there = false;
    std::uint64_t device = 0, file = 0;
    std::int64_t size = 0, changed_ns = 0;
    bool operator==(const State&) const = default;
  };
  struct Watched {
    std::filesystem::path path;
    State taken, last;
  };
  static State state_of(const std::filesystem::path& path);

  std::vector<Watched> files_;
};

}  // namespace ride::cli
