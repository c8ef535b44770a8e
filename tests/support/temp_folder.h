// A folder of a test's own, removed with all that is in it. Owner: the object. Threads: one.
#pragma once

#include <filesystem>
#include <string>

namespace ride::test {

class TempFolder {
 public:
  explicit TempFolder(const std::string& name = "test");
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace ride::test
