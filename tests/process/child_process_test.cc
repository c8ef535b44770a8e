// Programs that we start: what they get, what they keep open, how they end, and how a start that fails is reported.
#include "process/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "common/file_text.h"
#include "process/file_lock.h"
#include "process/spawn.h"
#include "tests/support/temp_folder.h"

namespace ride::process {
namespace {

using namespace std::chrono_literals;

class ChildProcessTest : public ::testing::Test {
 protected:
  ProcessPlan shell(const std::string& script) const {
    return {.arguments = {"/bin/sh", "-c", script},
            .environment = {},
            .working_folder = folder_.path(),
            .output = folder_ / "out"};
  }
  std::string output() const { return file_text(folder_ / "out"); }
  const test::TempFolder folder_{"child"};
};

TEST_F(ChildProcessTest, RunsInItsFolderWithItsVariablesAndTellsItsExitCode) {
  auto plan = shell("pwd; echo $RIDE_TEST_GIVEN; echo err >&2; exit 7");
  plan.environment = {"RIDE_TEST_GIVEN=yes"};
  setenv("RIDE_TEST_GIVEN", "no", 1);
  const auto child = ChildProcess::start(plan);
  unsetenv("RIDE_TEST_GIVEN");
  ASSERT_TRUE(child.ok()) << child.error().message;
  ASSERT_TRUE((*child)->wait_until_ended(10s));
  EXPECT_EQ((*child)->exit_code(), 7);
  EXPECT_EQ(output(), std::filesystem::canonical(folder_.path()).string() + "\nyes\nerr\n");
}

TEST_F(ChildProcessTest, KeepsOneDescriptorAndWithItALock) {
  std::error_code failed;
  std::optional<FileLock> lock(std::in_place, folder_ / "lock", failed);
  ASSERT_FALSE(failed) << failed.message();
  ASSERT_FALSE(lock->try_lock());
  auto plan = shell("readlink /proc/self/fd/3; ls /proc/self/fd | wc -l; exec sleep 1000");
  plan.inherited = lock->descriptor();
  auto child = ChildProcess::start(plan);
  ASSERT_TRUE(child.ok()) << child.error().message;
  lock.reset();
  FileLock other(folder_ / "lock", failed);
  EXPECT_EQ(other.try_lock(), std::errc::operation_would_block) << "the child holds it";
  for (const auto until = std::chrono::steady_clock::now() + 10s;
       output().find("5\n") == std::string::npos && std::chrono::steady_clock::now() < until;)
    std::this_thread::sleep_for(5ms);
  (*child)->send_signal(SIGKILL);
  ASSERT_TRUE((*child)->wait_until_ended(10s));
  EXPECT_EQ((*child)->exit_code(), 128 + SIGKILL);
  EXPECT_FALSE(other.try_lock());
  EXPECT_EQ(output().substr(output().find('\n') + 1), "5\n") << "0 to 3 and the folder that ls reads";
}

// A closed descriptor of ours is a free number in the child, which its own descriptors are moved over.
TEST_F(ChildProcessTest, ReadsNothingWhicheverDescriptorsAreClosedHere) {
  const int file = open((folder_ / "kept").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int inherited = fcntl(file, F_DUPFD_CLOEXEC, 30);
  ASSERT_GE(inherited, 30);
  close(file);
  for (const int closed : {3, 0}) {
    const int saved = fcntl(closed, F_DUPFD_CLOEXEC, 30);
    close(closed);
    auto plan = shell("readlink /proc/$$/fd/0 /proc/$$/fd/3");
    plan.output = folder_ / std::to_string(closed);
    plan.inherited = inherited;
    const auto child = ChildProcess::start(plan);
    if (saved >= 0) dup2(saved, closed), close(saved);
    ASSERT_TRUE(child.ok()) << child.error().message;
    ASSERT_TRUE((*child)->wait_until_ended(10s));
    EXPECT_EQ(file_text(plan.output), "/dev/null\n" + (folder_ / "kept").string() + "\n") << "without " << closed;
  }
  close(inherited);
}

TEST_F(ChildProcessTest, TellsWhatCannotBeStarted) {
  const auto none = ChildProcess::start({.arguments = {"/nowhere/kafka"},
                                         .environment = {},
                                         .working_folder = folder_.path(),
                                         .output = folder_ / "out"});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  EXPECT_NE(none.error().message.find("/nowhere/kafka"), std::string::npos);
  const auto folder = ChildProcess::start(
      {.arguments = {"/tmp"}, .environment = {}, .working_folder = folder_.path(), .output = folder_ / "out"});
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().code, ErrorCode::permission);
  auto plan = shell("true");
  plan.output = folder_ / "nowhere" / "out";
  const auto unwritable = ChildProcess::start(plan);
  ASSERT_FALSE(unwritable.ok());
  EXPECT_NE(unwritable.error().message.find("nowhere/out"), std::string::npos);
}

TEST_F(ChildProcessTest, ASignalToTheGroupReachesWhatItHasStarted) {
  auto child = ChildProcess::start(shell("sleep 1000; echo went on"));
  ASSERT_TRUE(child.ok());
  (*child)->signal_group(SIGTERM);
  EXPECT_TRUE((*child)->wait_until_ended(10s));
  EXPECT_EQ((*child)->exit_code(), 128 + SIGTERM);
  EXPECT_EQ(output(), "");
}

TEST(Environment, ReplacesWhatIsGivenAndLeavesOutWhatIsNamed) {
  setenv("RIDE_TEST_A", "1", 1);
  setenv("RIDE_TEST_AB", "2", 1);
  setenv("RIDE_TEST_C", "3", 1);
  std::string ours;
  for (const auto& entry : environment_with({"RIDE_TEST_A=4"}, {"RIDE_TEST_C"}))
    if (entry.starts_with("RIDE_TEST_")) ours += entry + " ";
  EXPECT_EQ(ours, "RIDE_TEST_AB=2 RIDE_TEST_A=4 ");
  for (const char* name : {"RIDE_TEST_A", "RIDE_TEST_AB", "RIDE_TEST_C"}) unsetenv(name);
}

}  // namespace
}  // namespace ride::process
