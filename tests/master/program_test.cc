// ride-master as people start it: exit codes, messages, signals, the port file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "process/child_process.h"
#include "tests/master/http_client.h"
#include "tests/support/kafka_fixture.h"
#include "tests/support/temp_folder.h"

namespace ride::master::test {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class ProgramTest : public ride::test::KafkaTest {
 protected:
  std::unique_ptr<process::ChildProcess> start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), RIDE_MASTER_PROGRAM);
    output_ = folder_ / "output.txt";
    std::filesystem::remove(output_);
    return process::ChildProcess::start({.arguments = arguments, .working_folder = folder_.path(), .output = output_})
        .value();
  }
  std::string output() const {
    std::ifstream in(output_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int run(const std::vector<std::string>& arguments, std::chrono::milliseconds patience = 20s) {
    auto process = start(arguments);
    EXPECT_TRUE(process->wait_until_ended(patience)) << output();
    return process->exit_code().value_or(-1);
  }
  int wait_for_port() const {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      int port = 0;
      if (std::ifstream(folder_ / "port") >> port) return port;
      std::this_thread::sleep_for(10ms);
    }
    return 0;
  }

  ride::test::TempFolder folder_{"master"};
  std::filesystem::path output_;
};

TEST_F(ProgramTest, TeachesWithHelpAndSaysItsVersion) {
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(output(), HasSubstr("Examples:"));
  EXPECT_THAT(output(), HasSubstr("--brokers"));
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_THAT(output(), HasSubstr("ride-master "));
}

TEST_F(ProgramTest, WrongUsageIsExitCodeTwo) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--nothing"},
                                                {"--http", "here"},
                                                {"--http", "127.0.0.1:http"},
                                                {"--advertised-http", "here"},
                                                {"--prefix", "../x y"},
                                                {"--prefix", ""},
                                                {"--tick-interval", "100"},
                                                {"--loss-ticks", "1"},
                                                {"--http", "0.0.0.0:0"},
                                                {"--http", "[::]:0"},
                                                {"--token-file", "/dev/null"},
                                                {"--kafka", "no-pair"},
                                                {"--kafka", "acks=1"}})
    EXPECT_EQ(run(wrong), 2) << wrong[0];
}

TEST_F(ProgramTest, AnUnreachableBrokerIsSaidWithinTenSeconds) {
  EXPECT_EQ(run({"--brokers", "127.0.0.1:1", "--http", "127.0.0.1:0"}, 15s), 1);
  EXPECT_THAT(output(), HasSubstr("cannot reach Kafka at 127.0.0.1:1"));
  EXPECT_THAT(output(), HasSubstr("ride broker"));
}

TEST_F(ProgramTest, ASignalEndsTheWaitForABroker) {
  auto process = start({"--brokers", "127.0.0.1:1", "--http", "127.0.0.1:0"});
  const auto deadline = std::chrono::steady_clock::now() + 10s;  // until it says that it tries
  while (output().empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(10ms);
  process->send_signal(SIGINT);
  EXPECT_TRUE(process->wait_until_ended(2s));
  EXPECT_EQ(process->exit_code(), 0);
}

TEST_F(ProgramTest, ServesUntilItIsToldToEnd) {
  auto process = start({"--brokers", bootstrap(), "--prefix", ride::test::unique_name("prog"), "--http", "127.0.0.1:0",
                        "--port-file", (folder_ / "port").string()});
  const int port = wait_for_port();
  ASSERT_GT(port, 0) << output();
  EXPECT_EQ(HttpClient(port).get("/readyz").status, 200);
  EXPECT_THAT(output(), HasSubstr("master ready on http://127.0.0.1:" + std::to_string(port)));

  auto second = process::ChildProcess::start({.arguments = {RIDE_MASTER_PROGRAM, "--brokers", bootstrap(), "--http",
                                                            "127.0.0.1:" + std::to_string(port)},
                                              .working_folder = folder_.path(),
                                              .output = folder_ / "second.txt"})
                    .value();
  EXPECT_TRUE(second->wait_until_ended(10s));
  EXPECT_EQ(second->exit_code(), 1) << "the port is taken";

  process->send_signal(SIGTERM);
  EXPECT_TRUE(process->wait_until_ended(10s));
  EXPECT_EQ(process->exit_code(), 0) << output();
}

}  // namespace
}  // namespace ride::master::test
