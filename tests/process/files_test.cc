// Files that are held, and files that are whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file_text.h"
#include "process/file_lock.h"
#include "process/free_port.h"
#include "process/temp_folder.h"
#include "process/whole_file.h"
#include "tests/support/temp_folder.h"

namespace ride::process {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileLock, IsHeldByOneAndSaysWhoItIs) {
  const test::TempFolder folder("lock");
  std::error_code failed;
  FileLock second(folder / "lock", failed);
  {
    FileLock first(folder / "lock", failed);
    ASSERT_TRUE(first.ok()) << failed.message();
    EXPECT_FALSE(first.try_lock());
    first.write("a longer text than the next\n");
    first.write("42\n");
    EXPECT_EQ(second.try_lock(), std::errc::operation_would_block);
    const FileLock moved = std::move(first);
    EXPECT_EQ(second.try_lock(), std::errc::operation_would_block) << "still held";
  }
  EXPECT_FALSE(second.try_lock());
  EXPECT_EQ(file_text(folder / "lock"), "42\n");
  FileLock nowhere(folder / "nowhere" / "lock", failed);
  EXPECT_FALSE(nowhere.ok());
  EXPECT_EQ(failed, std::errc::no_such_file_or_directory);
}

TEST(WholeFile, ReplacesWhatWasThereAndLeavesNothingBesideIt) {
  const test::TempFolder folder("whole");
  ASSERT_TRUE(write_whole_file(folder / "run.json", "one\n").ok());
  ASSERT_TRUE(write_whole_file(folder / "run.json", std::string(100'000, 'x')).ok());
  EXPECT_EQ(file_text(folder / "run.json"), std::string(100'000, 'x'));
  const auto failed = write_whole_file(folder / "nowhere" / "run.json", "two\n");
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("nowhere/run.json"));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, ElementsAre("run.json"));
}

TEST(FreePort, IsFreeAndBelowThoseOfOutgoingConnections) {
  const auto ports = free_ports("127.0.0.1", 3);
  ASSERT_TRUE(ports.ok()) << ports.error().message;
  ASSERT_EQ(ports->size(), 3U);
  for (const int port : *ports) {
    EXPECT_LT(port, 32'768);
    EXPECT_TRUE(check_port_free("127.0.0.1", port).ok());
  }
  EXPECT_EQ(free_ports("192.0.2.1", 1).error().code, ErrorCode::invalid_argument) << "no address of this machine";
}

}  // namespace
}  // namespace ride::process
