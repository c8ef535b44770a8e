// Where files and passwords go when only the master says where the brokers are.
#include "cli/core/files_brokers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kFar = "http://master1:7800";

TEST(FilesBrokers, AreTheNamedOnesElseTheMasters) {
  EXPECT_EQ(brokers_for_files({"kafka1:9092", "kafka2:9092", kFar, "op.conf"}).value(), "kafka1:9092");
  EXPECT_EQ(brokers_for_files({"", "kafka2:9092,kafka3:9092", kFar, ""}).value(), "kafka2:9092,kafka3:9092");
}

TEST(FilesBrokers, APasswordGoesToNoAddressThatOnlyTheMasterNames) {
  const auto refused = brokers_for_files({"", "kafka2:9093", kFar, "/home/me/op.conf"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("/home/me/op.conf"), HasSubstr(kFar), HasSubstr("--brokers kafka2:9093")));
  EXPECT_FALSE(brokers_for_files({"", "127.0.0.1:9093", "http://127.0.0.1:7800", "op.conf"}).ok())
      << "another user of this machine may listen there";
}

TEST(FilesBrokers, OfAnotherMachinesLoopbackAreAskedFor) {
  for (const char* told : {"127.0.0.1:9092", "localhost:9092", "LOCALHOST:9092", "[::1]:9092",
                           "127.0.0.1:1,127.9.9.9:2", "PLAINTEXT://127.0.0.1:9092"}) {
    EXPECT_FALSE(brokers_for_files({"", told, kFar, ""}).ok()) << told;
    for (const char* near : {"http://127.0.0.1:7800", "http://localhost:7800", "http://[::1]:7800/"})
      EXPECT_EQ(brokers_for_files({"", told, near, ""}).value(), told) << near;
  }
  for (const char* told : {"localhost.example.com:9092", "127.0.0.1.example.com:9092", "127.0.0.1:1,kafka2:9092"})
    EXPECT_TRUE(brokers_for_files({"", told, kFar, ""}).ok()) << told;
}

}  // namespace
}  // namespace ride::cli
