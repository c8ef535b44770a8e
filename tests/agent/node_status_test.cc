#include "agent/node_status.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

namespace ride::agent {
namespace {

TEST(NodeLoad, IsTheBusyShareSinceTheLastLookInPercentOfOneCore) {
  NodeLoad load;
  EXPECT_EQ(load.sample("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400\ncpu1 50 0 50 400\nintr 1\n"), 0);
  // 100 more ticks, 50 of them busy, on two cores: one core's worth.
  EXPECT_DOUBLE_EQ(load.sample("cpu  125 0 125 840 10 0 0 0 0 0\ncpu0 60 0 60 430\ncpu1 65 0 65 420\nintr 1\n"), 100);
}

TEST(NodeLoad, IsZeroWithoutAnyTimeInBetween) {
  NodeLoad load;
  const std::string same = "cpu  1 0 1 8 0 0 0 0\ncpu0 1 0 1 8\n";
  load.sample(same);
  EXPECT_EQ(load.sample(same), 0);
  EXPECT_EQ(load.sample(""), 0);
}

TEST(NodeFacts, ThisMachineHasCoresAndMemory) {
  const auto facts = read_node_facts();
  EXPECT_GE(facts.cores, 0.1);
  EXPECT_GT(facts.memory_bytes, 64 << 20);
  EXPECT_GT(available_memory(), 0);
  EXPECT_GT(free_disk({}), 0);
  EXPECT_EQ(free_disk("/nowhere"), 0);
  EXPECT_EQ(facts.devices.front(), "cpu");
}

TEST(ProcessFacts, TellMemoryAndWhetherItIsStopped) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char> much(64 << 20, 'x');
    for (;;) pause();
    _exit(much[0]);
  }
  const auto until = [&](auto met) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!met() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return met();
  };
  EXPECT_TRUE(until([&] { return read_process(child).memory_bytes > 64 << 20; }));
  EXPECT_FALSE(read_process(child).stopped);
  EXPECT_TRUE(is_running(child));
  kill(child, SIGSTOP);
  EXPECT_TRUE(until([&] { return read_process(child).stopped; }));
  EXPECT_FALSE(is_running(child));
  kill(child, SIGCONT);
  EXPECT_TRUE(until([&] { return is_running(child); }));
  kill(child, SIGKILL);
  EXPECT_TRUE(until([&] { return !is_running(child); })) << "it has ended, though nobody waited for it yet";
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_running(child));
  EXPECT_EQ(read_process(child).memory_bytes, 0);
}

}  // namespace
}  // namespace ride::agent
