// Cutting off and slowing down real processes. Where the system does not allow a cut, the error must say what is
// needed.
#include "chaos/cut.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "process/child_process.h"
#include "process/proc.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/temp_folder.h"

namespace ride::chaos {
namespace {

using namespace std::chrono_literals;

bool within(std::chrono::seconds limit, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(NetworkGate, DropsTheGroupsPacketsAndNobodyElses) {
  auto gate = NetworkGate::make("ride-gate-test-" + std::to_string(::getpid()));
  if (!gate.ok()) {
    EXPECT_NE(gate.error().message.find("use `stop` instead"), std::string::npos) << gate.error().message;
    return;
  }
  test::TempFolder folder("gate");
  test::LoopbackListener listener;
  // Prints every line that it is sent.
  const std::vector<std::string> reader = {"/bin/bash", "-c",
                                           "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(listener.port()) +
                                               "; while read -r line <&3; do echo \"$line\"; done"};
  auto inside = process::ChildProcess::start({.arguments = (*gate)->within(reader),
                                              .environment = {},
                                              .working_folder = folder.path(),
                                              .output = folder / "inside"});
  ASSERT_TRUE(inside.ok());
  const int to_inside = listener.accept();
  auto outside = process::ChildProcess::start(
      {.arguments = reader, .environment = {}, .working_folder = folder.path(), .output = folder / "outside"});
  ASSERT_TRUE(outside.ok());
  const int to_outside = listener.accept();
  const auto tell = [&](const std::string& line) {
    for (const int one : {to_inside, to_outside})
      EXPECT_EQ(::write(one, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  };
  const auto heard = [&](const char* who, const std::string& line) {
    return text_of(folder / who).find(line) != std::string::npos;
  };
  tell("one\n");
  ASSERT_TRUE(within(10s, [&] { return heard("inside", "one") && heard("outside", "one"); }));

  ASSERT_TRUE((*gate)->shut().ok());
  tell("two\n");
  ASSERT_TRUE(within(10s, [&] { return heard("outside", "two"); }));
  EXPECT_FALSE(heard("inside", "two"));

  (*gate)->open();
  EXPECT_TRUE(within(20s, [&] { return heard("inside", "two"); })) << "what was dropped is sent again by TCP";
  (*inside)->send_signal(SIGKILL);
  (*inside)->wait_until_ended(5s);
}

double cpu_seconds(pid_t pid) { return process::read_stat(pid).value_or(process::ProcessStat{}).cpu_seconds; }

TEST(CpuLimit, HoldsAProcessDownAndLetsItGo) {
  test::TempFolder folder("slow");
  auto busy = process::ChildProcess::start({.arguments = {"/bin/bash", "-c", "while :; do :; done"},
                                            .environment = {},
                                            .working_folder = folder.path(),
                                            .output = folder / "out"});
  ASSERT_TRUE(busy.ok());
  const auto pid = (*busy)->pid();
  const auto used_in = [pid](std::chrono::milliseconds time) {
    const double before = cpu_seconds(pid);
    const auto begin = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(time);
    return (cpu_seconds(pid) - before) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  {
    const auto limit = CpuLimit::start("ride-slow-test-" + std::to_string(::getpid()), {pid}, 10);
    EXPECT_LT(used_in(1500ms), 0.2) << (limit->by_quota() ? "by quota" : "by turns");
  }
  // On a machine with other work it gets its share again: more than the limit gave, sooner or later.
  EXPECT_TRUE(within(20s, [&] { return used_in(500ms) > 0.2; }));
}

}  // namespace
}  // namespace ride::chaos
