#include "agent/child_launch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "common/crash_note.h"

namespace ride::agent {
namespace {

using std::chrono::steady_clock;

// All that comes until the other end is closed.
std::string read_all(int pipe) {
  std::string text;
  char buffer[4096];
  const auto deadline = steady_clock::now() + std::chrono::seconds(60);
  while (steady_clock::now() < deadline) {
    pollfd watched{pipe, POLLIN, 0};
    poll(&watched, 1, 1000);
    const ssize_t got = read(pipe, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  }
  ADD_FAILURE() << "the pipe stays open";
  return text;
}

bool gone_within(pid_t pid, std::chrono::seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (steady_clock::now() < deadline) {
    if (kill(pid, 0) != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(ChildLaunch, TakesTheChildsOutputAndSeesHowItEnds) {
  const auto child = launch({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, true);
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(read_all(child->output), "out\nerr\n");
  close(child->output);
  int status = 0;
  ASSERT_EQ(waitpid(child->pid, &status, 0), child->pid);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(ChildLaunch, GivesTheChildAGroupAndNoDescriptorsOfOurs) {
  int ours[2];
  ASSERT_EQ(pipe(ours), 0);  // without close-on-exec, as libraries make them
  const auto child = launch({"/bin/sh", "-c", "ps -o pgid= -p $$ | tr -d ' '; ls /proc/self/fd | wc -l"}, true);
  ASSERT_TRUE(child.ok());
  const std::string text = read_all(child->output);
  EXPECT_TRUE(text.starts_with(std::to_string(child->pid) + "\n")) << text;
  EXPECT_TRUE(text.ends_with("\n4\n")) << "0, 1, 2 and the folder that ls reads: " << text;
  for (const int fd : {ours[0], ours[1], child->output}) close(fd);
  waitpid(child->pid, nullptr, 0);
}

TEST(ChildLaunch, TellsTheChildItsIncarnation) {
  setenv("RIDE_INCARNATION", "of-the-agent-itself#0", 1);
  for (const std::string given : {"n-w1#ab12", ""}) {
    const auto child = launch({"/bin/sh", "-c", "echo $RIDE_INCARNATION"}, true, {.incarnation = given});
    ASSERT_TRUE(child.ok());
    EXPECT_EQ(read_all(child->output), given + "\n");
    close(child->output);
    waitpid(child->pid, nullptr, 0);
  }
  unsetenv("RIDE_INCARNATION");
}

TEST(ChildLaunch, GivesTheChildItsNoteItsCoresAndItsVariables) {
  auto note = CrashNote::make().value();
  setenv("CUDA_VISIBLE_DEVICES", "7", 1);
  setenv(kCrashNoteVariable, "99", 1);
  const auto child =
      launch({"/bin/sh", "-c",
              "echo note $RIDE_CRASH_NOTE gpu $CUDA_VISIBLE_DEVICES; readlink /proc/self/fd/3;"
              "grep Cpus_allowed_list /proc/self/status"},
             true, {.crash_note = note.descriptor(), .cores = {0}, .environment = {"CUDA_VISIBLE_DEVICES=1"}});
  unsetenv("CUDA_VISIBLE_DEVICES");
  unsetenv(kCrashNoteVariable);
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(read_all(child->output), "note 3 gpu 1\n/memfd:ride-crash-note (deleted)\nCpus_allowed_list:\t0\n");
  close(child->output);
  waitpid(child->pid, nullptr, 0);
}

TEST(ChildLaunch, NamesAProgramThatIsNotThere) {
  const auto child = launch({"/nowhere/ride-worker"}, true);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, ErrorCode::not_found);
  EXPECT_NE(child.error().message.find("/nowhere/ride-worker"), std::string::npos);
}

// The child that dies with its parent: a process in between starts it, reports its pid and is killed.
TEST(ChildLaunch, AChildDiesWithItsAgentAlsoWhenThatIsKilled) {
  int told[2];
  ASSERT_EQ(pipe2(told, O_CLOEXEC), 0);
  const pid_t between = fork();
  if (between == 0) {
    const auto child = launch({"/bin/sleep", "1000"}, false);
    const pid_t pid = child.ok() ? child->pid : 0;
    [[maybe_unused]] const auto written = write(told[1], &pid, sizeof pid);
    for (;;) pause();
  }
  pid_t child = 0;
  ASSERT_EQ(read(told[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_GT(child, 0);
  ASSERT_EQ(kill(child, 0), 0);
  kill(between, SIGKILL);
  waitpid(between, nullptr, 0);
  EXPECT_TRUE(gone_within(child, std::chrono::seconds(60)));
  close(told[0]);
  close(told[1]);
}

}  // namespace
}  // namespace ride::agent
