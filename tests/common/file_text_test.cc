#include "common/file_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

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

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string why_not(const std::string& path, const NamedFileLimits& limits = {}) {
  const auto text = read_named_file(path, limits);
  EXPECT_FALSE(text.ok()) << path;
  return text.ok() ? "" : text.error().message;
}

class NamedPipe : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0); }
  void TearDown() override { std::filesystem::remove(path_); }
  const std::string path_ = std::filesystem::temp_directory_path() / ("pipe-" + std::to_string(::getpid()));
};

TEST(NamedFile, ThatIsNoneIsToldWithItsName) {
  EXPECT_THAT(why_not("/nowhere/x"), AllOf(HasSubstr("/nowhere/x"), HasSubstr("No such file")));
  EXPECT_THAT(why_not("/proc"), HasSubstr("it is a folder"));
  EXPECT_EQ(read_named_file("/dev/null").value(), "");
}

TEST(NamedFile, WithoutAnEndIsReadUpToALimit) {
  EXPECT_THAT(why_not("/dev/zero"), HasSubstr("larger than 4 MB"));
  EXPECT_THAT(why_not("/dev/zero", {.most_bytes = 1 << 20}), HasSubstr("larger than 1 MB"));
}

TEST_F(NamedPipe, IsReadToItsEndAlsoWhenItsWriterComesLate) {
  std::jthread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    std::ofstream(path_) << "one" << std::flush << "two";
  });
  EXPECT_EQ(read_named_file(path_).value(), "onetwo");
}

TEST_F(NamedPipe, IntoWhichNobodyWritesIsWaitedForOnlySoLong) {
  EXPECT_THAT(why_not(path_, {.patience = std::chrono::milliseconds(100)}), HasSubstr("nothing came from it within"));
}

TEST_F(NamedPipe, IsLeftWhenStopped) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto text = read_named_file(path_, {.stop = stop.get_token()});
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace ride
