#include "agent/child_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/file_text.h"
#include "tests/support/temp_folder.h"

namespace ride::agent {
namespace {

TEST(ChildLog, GoesOnInTheFileOfAnEarlierRun) {
  const test::TempFolder folder;
  for (const char* text : {"first\n", "second\n"}) {
    auto log = ChildLog::open(folder / "logs", "n-w1");
    ASSERT_TRUE(log.ok()) << log.error().message;
    log->write(text);
  }
  EXPECT_EQ(file_text(folder / "logs" / "n-w1.log"), "first\nsecond\n");
}

TEST(ChildLog, NeverGrowsBeyondTwoFilesOfItsLimit) {
  const test::TempFolder folder;
  auto log = ChildLog::open(folder.path(), "n-w1", 1000);
  ASSERT_TRUE(log.ok());
  for (int i = 0; i < 500; ++i) log->write("a line of thirty characters....\n");
  EXPECT_LE(std::filesystem::file_size(folder / "n-w1.log"), 1000U);
  EXPECT_LE(std::filesystem::file_size(folder / "n-w1.log.1"), 1000U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(ChildLog, RemembersTheLastWholeLinesForMessages) {
  const test::TempFolder folder;
  auto log = ChildLog::open(folder.path(), "n-w1");
  ASSERT_TRUE(log.ok());
  for (int i = 0; i < 1000; ++i) log->write("line " + std::to_string(i) + "\n");
  const std::string tail = log->tail();
  EXPECT_TRUE(tail.starts_with("line "));
  EXPECT_TRUE(tail.ends_with("line 999\n"));
  EXPECT_LE(tail.size(), 2048U);
}

TEST(ChildLog, TellsWhenTheOtherEndOfThePipeIsClosed) {
  const test::TempFolder folder;
  auto log = ChildLog::open(folder.path(), "n-w1");
  ASSERT_TRUE(log.ok());
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  ASSERT_EQ(write(ends[1], "x\n", 2), 2);
  EXPECT_TRUE(log->drain(ends[0]));
  EXPECT_TRUE(log->drain(ends[0]));
  close(ends[1]);
  EXPECT_FALSE(log->drain(ends[0]));
  close(ends[0]);
  EXPECT_EQ(file_text(log->file()), "x\n");
}

TEST(ChildLog, NamesAFolderThatCannotBeMade) {
  const auto log = ChildLog::open("/proc/nowhere", "n-w1");
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.error().message.find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace ride::agent
