#include "process/proc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "process/child_process.h"
#include "process/process_id.h"
#include "tests/support/temp_folder.h"

namespace ride::process {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(Proc, TellsMemoryAndWhetherItIsStopped) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char> much(64 << 20, 'x');
    for (;;) pause();
    _exit(much[0]);
  }
  const auto until = [&](auto met) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!met() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return met();
  };
  EXPECT_TRUE(until([&] { return memory_of(child).unshared() > 64 << 20; }));
  EXPECT_FALSE(read_stat(child)->stopped());
  EXPECT_TRUE(is_running(child));
  kill(child, SIGSTOP);
  EXPECT_TRUE(until([&] { return read_stat(child)->stopped(); }));
  EXPECT_FALSE(is_running(child));
  kill(child, SIGCONT);
  EXPECT_TRUE(until([&] { return is_running(child); }));
  kill(child, SIGKILL);
  EXPECT_TRUE(until([&] { return !is_running(child); })) << "it has ended, though nobody waited for it yet";
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_running(child));
  EXPECT_EQ(memory_of(child).unshared(), 0);
}

TEST(Proc, CountsTheFieldsOfAStatusLineBehindTheLastBracketOfAName) {
  const auto stat = parse_stat("42 (a) b (c) T 7 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 987654 1 1");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'T');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_DOUBLE_EQ(stat->cpu_seconds, 300.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(stat->started, "987654");
  EXPECT_TRUE(stat->stopped());
  EXPECT_FALSE(parse_stat("42 (cut off) S 1 1"));
  EXPECT_FALSE(parse_stat(""));
}

TEST(Proc, FindsWhatAProcessHasStartedAndItsCommandLine) {
  const test::TempFolder folder("proc");
  auto shell = ChildProcess::start({.arguments = {"/bin/sh", "-c", "sleep 1000 & sleep 2000 & wait"},
                                    .environment = {},
                                    .working_folder = folder.path(),
                                    .output = folder / "out"});
  ASSERT_TRUE(shell.ok()) << shell.error().message;
  const auto commands = [&] {
    std::vector<std::string> all;
    for (const auto pid : descendants_of((*shell)->pid())) {
      const auto words = command_line_of(pid);
      if (words.size() == 2 && words.front() == "sleep") all.push_back(words.back());
    }
    std::sort(all.begin(), all.end());
    return all;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (commands().size() < 2 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(commands(), ElementsAre("1000", "2000"));
  EXPECT_THAT(descendants_of(getpid()), Contains((*shell)->pid()));
  EXPECT_THAT(descendants_of((*shell)->pid()), Not(Contains(getpid())));
  (*shell)->signal_group(SIGKILL);
}

TEST(Proc, AProcessIsKnownByMoreThanItsNumber) {
  auto own = own_process_id();
  ASSERT_TRUE(own);
  EXPECT_TRUE(runs(*own));
  own->started = "1";
  EXPECT_FALSE(runs(*own)) << "another one that had the number before";
  EXPECT_FALSE(own_program().empty());
  EXPECT_EQ(own_folder(), own_program().parent_path());
}

}  // namespace
}  // namespace ride::process
