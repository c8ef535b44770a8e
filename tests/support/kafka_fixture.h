// A real Kafka for tests: one embedded broker for the test program, started at first use (about 1.2 s, 3 s the very
// first time) on a free port in a temp folder, ended and removed with the program, also when it fails, crashes or is
// killed.
//
//   class LogTest : public ride::test::KafkaTest {};
//   TEST_F(LogTest, ...) { connect(bootstrap()); create(unique_name("frames")); }
//
// RIDE_TEST_BROKERS=host:port uses a running cluster instead. A test that needs Kafka fails where it cannot start; it
// is never skipped. Threads: any may call bootstrap(). Topics are shared by all tests of a program (and of a cluster):
// use unique_name().
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "common/result.h"

namespace ride::test {

// Starts the broker if need be. "host:port", or why there is none.
Result<std::string> kafka_bootstrap();

// "<prefix>-<process>-<number>": no two tests share it.
std::string unique_name(const std::string& prefix);

class KafkaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto broker = kafka_bootstrap();
    if (!broker.ok()) GTEST_FAIL() << broker.error().message;
  }
  static std::string bootstrap() { return kafka_bootstrap().value(); }
};

}  // namespace ride::test
