// A process that goes on under its name: it ends where an agent watches it, else it becomes itself anew.

#include "process/start_again.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "common/exit_codes.h"
#include "tests/support/temp_folder.h"

namespace ride::process {
namespace {

std::string value_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? "none" : text;
}

// Not a test: what the process of the tests below becomes.
TEST(DISABLED_StartAgainProbe, TellsWhatItSees) {
  // Before a file of our own takes a free number.
  const bool kept = fcntl(std::stoi(value_of("RIDE_TEST_KEPT")), F_GETFD) >= 0;
  const bool opened = fcntl(std::stoi(value_of("RIDE_TEST_OPENED")), F_GETFD) >= 0;
  std::ofstream out(value_of("RIDE_TEST_PROBE"), std::ios::app);
  out << getpid() << ' ' << value_of("RIDE_STARTED_AGAIN") << ' ' << value_of("RIDE_INCARNATION") << ' '
      << (kept ? "kept" : "closed") << ' ' << (opened ? "open" : "closed") << '\n';
}

int exit_code_of(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(StartAgain, BecomesItselfAnewWithItsArgumentsAndWhatItInheritedAndNothingElse) {
  const std::atomic<bool> stop = false;
  const test::TempFolder folder{"start-again"};
  const std::string file = folder / "seen";
  std::string program = "process_test", filter = "--gtest_filter=*TellsWhatItSees",
              all = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), all.data(), nullptr};
  const int code = exit_code_of([&] {
    const int kept = open("/dev/null", O_RDONLY);
    setenv("RIDE_TEST_PROBE", file.c_str(), 1);
    setenv("RIDE_INCARNATION", "w1#a", 1);
    setenv("RIDE_TEST_KEPT", std::to_string(kept).c_str(), 1);
    unsetenv("RIDE_CRASH_NOTE");
    StartAgain again(arguments);
    const int opened = open("/dev/null", O_RDONLY);
    setenv("RIDE_TEST_OPENED", std::to_string(opened).c_str(), 1);
    std::ofstream(file) << getpid() << '\n';
    again.now(stop, kExitStartAgain);
  });
  EXPECT_EQ(code, 0);
  std::ifstream seen(file);
  std::string before, after, times, incarnation, kept, opened;
  seen >> before >> after >> times >> incarnation >> kept >> opened;
  EXPECT_EQ(before, after) << "whoever started it knows it by this number";
  EXPECT_EQ(times, "1");
  EXPECT_EQ(incarnation, "none") << "the name was given once";
  EXPECT_EQ(kept, "kept");
  EXPECT_EQ(opened, "closed");
}

TEST(StartAgain, LeavesItToItsAgentAndEndsWhenItIsToldTo) {
  char* arguments[] = {nullptr};
  const std::atomic<bool> no = false, yes = true;
  EXPECT_EQ(exit_code_of([&] {
              setenv("RIDE_CRASH_NOTE", "3", 1);
              StartAgain(arguments).now(no, kExitStartAgain);
            }),
            kExitStartAgain);
  EXPECT_EQ(exit_code_of([&] {
              unsetenv("RIDE_CRASH_NOTE");
              StartAgain(arguments).now(yes, kExitStartAgain);
            }),
            0);
}

TEST(StartAgain, WaitsWhenItHasToDoSoAgainAndAgain) {
  // Were it to become itself, the probe would fail for want of its variables.
  std::string program = "process_test", filter = "--gtest_filter=*TellsWhatItSees",
              all = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), all.data(), nullptr};
  std::atomic<bool> stop = false;
  EXPECT_EQ(exit_code_of([&] {
              unsetenv("RIDE_CRASH_NOTE");
              setenv("RIDE_STARTED_AGAIN", "9", 1);
              StartAgain again(arguments);
              std::thread([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(300));
                stop = true;  // it still waits, else it would have become something else
              }).detach();
              again.now(stop, kExitStartAgain);
            }),
            0);
}

}  // namespace
}  // namespace ride::process
