// The wall clock is set while a client of Kafka waits: no broker is needed for that.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <thread>

#include "stream/kafka/admin.h"
#include "tests/support/set_clock.h"

namespace ride::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class WallClockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_wall_clock(0ms);
    char why[256];
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    ASSERT_NE(client_, nullptr) << why;
  }
  void TearDown() override {
    if (client_ != nullptr) rd_kafka_destroy(client_);
    set_wall_clock(0ms);
  }
  static std::chrono::system_clock::time_point now() { return std::chrono::system_clock::now(); }

  rd_kafka_t* client_ = nullptr;
};

TEST_F(WallClockTest, TheClockOfThisProgramCanBeSet) {
  const auto before = now();
  set_wall_clock(-40s);
  EXPECT_LT(now(), before - 30s);
  set_wall_clock(2h);
  EXPECT_GT(now(), before + 1h);
}

TEST_F(WallClockTest, AClientDoesNotWaitLongerWhenTheClockIsSetBack) {
  const auto begin = Clock::now();
  std::thread setter([] {
    std::this_thread::sleep_for(100ms);
    set_wall_clock(-10s);
  });
  rd_kafka_poll(client_, 400);
  const auto took = Clock::now() - begin;
  setter.join();
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 5s);
}

TEST_F(WallClockTest, AClientDoesNotWaitShorterWhenTheClockIsSetAhead) {
  const auto begin = Clock::now();
  std::thread setter([] {
    std::this_thread::sleep_for(50ms);
    set_wall_clock(2h);
  });
  rd_kafka_poll(client_, 400);
  const auto took = Clock::now() - begin;
  setter.join();
  EXPECT_GE(took, 350ms);
  EXPECT_LT(took, 5s);
}

// Its inner threads are served by the same function: a question is given up in time, though nobody is there to answer.
TEST_F(WallClockTest, AQuestionIsGivenUpInTimeWhenTheClockIsSetBack) {
  const auto begin = Clock::now();
  std::thread setter([] {
    std::this_thread::sleep_for(100ms);
    set_wall_clock(-10s);
  });
  kafka::ClientConfig config;
  config.brokers = "127.0.0.1:1";
  EXPECT_FALSE(kafka::open_admin(config, 500ms).ok());
  const auto took = Clock::now() - begin;
  setter.join();
  EXPECT_LT(took, 5s);
}

}  // namespace
}  // namespace ride::test
