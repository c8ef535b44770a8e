// The real ride-agent with children that are shell scripts, without Kafka: starting, restarting, ending.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "common/file_text.h"
#include "tests/support/temp_folder.h"

namespace ride::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

bool eventually(const std::function<bool()>& met, seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!met()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

class AgentProcess : public ::testing::Test {
 protected:
  // Each child writes a line "<name> <pid>" when it starts.
  void script(const std::string& program, const std::string& body) {
    std::ofstream(folder_ / program) << "#!/bin/bash\necho \"$2 $$ $RIDE_INCARNATION\" >> "
                                     << (folder_ / "starts").string() << "\n"
                                     << body << "\n";
    fs::permissions(folder_ / program, fs::perms::owner_all);
  }
  void start(int slots) {
    agent_ = fork();
    if (agent_ == 0) {
      const std::string count = std::to_string(slots), logs = folder_ / "logs", bin = folder_.path();
      execl(RIDE_AGENT, "ride-agent", "--brokers", "127.0.0.1:1", "--node", "n", "--slots", count.c_str(), "--bin-dir",
            bin.c_str(), "--log-dir", logs.c_str(), nullptr);
      _exit(127);
    }
  }
  std::vector<std::pair<std::string, pid_t>> starts() const {
    std::vector<std::pair<std::string, pid_t>> all;
    std::ifstream in(folder_ / "starts");
    std::string name, incarnation;
    pid_t pid = 0;
    while (in >> name >> pid >> incarnation) {
      EXPECT_TRUE(incarnation.starts_with(name + "#")) << incarnation;
      all.emplace_back(name, pid);
    }
    return all;
  }
  bool all_gone() const {
    for (const auto& [name, pid] : starts())
      if (kill(pid, 0) == 0) return false;
    return true;
  }
  int wait_for_agent(seconds limit) {
    int status = 0;
    if (!eventually([&] { return waitpid(agent_, &status, WNOHANG) == agent_; }, limit)) return -1;
    agent_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void TearDown() override {
    if (agent_ > 0) {
      kill(agent_, SIGKILL);
      waitpid(agent_, nullptr, 0);
    }
    EXPECT_TRUE(eventually([this] { return all_gone(); }, seconds(60))) << "a child outlives its agent";
  }

  test::TempFolder folder_{"agent"};
  pid_t agent_ = 0;
};

TEST_F(AgentProcess, KeepsItsChildrenRunningAndEndsThemInOrder) {
  script("ride-worker", "exec sleep 1000");
  script("ride-producer", "exec sleep 1000");
  start(2);
  ASSERT_TRUE(eventually([this] { return starts().size() == 3; }, seconds(60)));
  kill(starts()[0].second, SIGKILL);
  ASSERT_TRUE(eventually([this] { return starts().size() == 4; }, seconds(60)))
      << "the dead child is not started again";
  EXPECT_EQ(starts()[3].first, starts()[0].first);
  kill(agent_, SIGTERM);
  EXPECT_EQ(wait_for_agent(seconds(60)), 0);
  EXPECT_TRUE(all_gone());
}

TEST_F(AgentProcess, KillsAChildThatDoesNotEndInTime) {
  script("ride-worker", "trap '' TERM; while true; do sleep 0.1; done");
  script("ride-producer", "exec sleep 1000");
  start(1);
  ASSERT_TRUE(eventually([this] { return starts().size() == 2; }, seconds(60)));
  const auto begin = steady_clock::now();
  kill(agent_, SIGTERM);
  EXPECT_EQ(wait_for_agent(seconds(80)), 0);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(4900)) << "it was not given its time";
  EXPECT_TRUE(all_gone());
}

TEST_F(AgentProcess, ChildrenDieWithAnAgentThatIsKilled) {
  script("ride-worker", "exec sleep 1000");
  script("ride-producer", "exec sleep 1000");
  start(1);
  ASSERT_TRUE(eventually([this] { return starts().size() == 2; }, seconds(60)));
  kill(agent_, SIGKILL);
  EXPECT_EQ(wait_for_agent(seconds(60)), 128 + SIGKILL);
  EXPECT_TRUE(eventually([this] { return all_gone(); }, seconds(60)));
}

TEST_F(AgentProcess, WhatAChildSaysIsInItsLog) {
  script("ride-worker", "echo hello from the worker; exec sleep 1000");
  script("ride-producer", "echo hello from the producer >&2; exec sleep 1000");
  start(1);
  EXPECT_TRUE(eventually(
      [this] { return file_text(folder_ / "logs/n-w1.log").find("hello from the worker") != std::string::npos; },
      seconds(10)));
  EXPECT_TRUE(eventually(
      [this] { return file_text(folder_ / "logs/n-p1.log").find("hello from the producer") != std::string::npos; },
      seconds(10)));
}

TEST_F(AgentProcess, SaysWhichProgramIsMissing) {
  start(1);
  EXPECT_EQ(wait_for_agent(seconds(60)), 1);
}

}  // namespace
}  // namespace ride::agent
