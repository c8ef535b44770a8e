// The output of one child in `<folder>/<name>.log`; a full file becomes `<name>.log.1`, so two files of `limit` bytes
// are the most. A disk that is full loses lines, never the child. Owner: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.h"

namespace ride::agent {

class ChildLog {
 public:
  static constexpr std::int64_t kLimit = 8 << 20;

  static Result<ChildLog> open(const std::filesystem::path& folder, const std::string& name,
                               std::int64_t limit = kLimit);
  ChildLog(ChildLog&& other) noexcept;
  ChildLog& operator=(ChildLog&&) = delete;
  ~ChildLog();

  void write(std::string_view bytes);
  // Takes all that is there in a pipe that does not block. False: the other end is closed.
  bool drain(int pipe);
  const std::filesystem::path& file() const { return file_; }
  // The last whole lines of what was written, for messages.
  std::string tail() const;

 private:
  ChildLog(std::filesystem::path file, int descriptor, std::int64_t size, std::int64_t limit);
  void rotate();

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t size_ = 0, limit_ = kLimit;
  std::string recent_;
};

}  // namespace ride::agent
