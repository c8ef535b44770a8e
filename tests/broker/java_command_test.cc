#include "broker-config/java_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::broker {
namespace {

using ::testing::Contains;
using ::testing::Not;

JavaCommand command() { return {.program = "java", .class_path = "a.jar:b.jar", .heap_bytes = 1LL << 30}; }

TEST(JavaCommand, ABrokerThatStaysHasTheOptimisingCompilerAndTheCollectorWithShortPauses) {
  const auto flags = broker_command(command(), "server.properties");
  EXPECT_THAT(flags, Contains("-XX:+UseG1GC"));
  EXPECT_THAT(flags, Not(Contains("-XX:TieredStopAtLevel=1")));
}

TEST(JavaCommand, ABrokerOfARunIsCompiledByTheFastCompilerAlone) {
  auto run = command();
  run.short_lived = true;
  const auto flags = broker_command(run, "server.properties");
  EXPECT_THAT(flags, Contains("-XX:TieredStopAtLevel=1"));
  EXPECT_THAT(flags, Not(Contains("-XX:+UseG1GC")));
  EXPECT_THAT(flags, Contains("-Xmx1024m")) << "its heap is not that of a test's broker";
  EXPECT_EQ(flags.back(), "server.properties");
}

}  // namespace
}  // namespace ride::broker
