#include "common/file_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace ride {
namespace {

TEST(FileText, IsAllOfAFileOrWhatComesBehindAPlace) {
  const auto file = std::filesystem::temp_directory_path() / ("file-text-" + std::to_string(::getpid()));
  std::ofstream(file) << std::string(10'000, 'a') << "bc";
  EXPECT_EQ(file_text(file).size(), 10'002U);
  EXPECT_EQ(file_text(file, 10'000), "bc");
  EXPECT_EQ(file_text(file, 20'000), "");
  std::filesystem::remove(file);
}

TEST(FileText, IsEmptyWhereNothingCanBeRead) {
  EXPECT_EQ(file_text("/proc/nowhere/stat"), "");
  EXPECT_EQ(file_text("/"), "") << "it opens, and reading it is an error of the system";
}

TEST(FileText, KnowsFilesWithoutASize) { EXPECT_FALSE(file_text("/proc/self/stat").empty()); }

}  // namespace
}  // namespace ride
