#include "common/setting_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(SettingChecks, BrokersAreTakenAsKafkasClientsTakeThem) {
  for (const char* good : {"127.0.0.1:9092", "kafka", "a:1,b:65535", "a:1, b:2", "[::1]:9092", "[::1]",
                           "SSL://kafka1:9093", "PLAINTEXT://[fe80::1]:9092,b"})
    EXPECT_TRUE(check_brokers(good).ok()) << good << ": " << check_brokers(good).error().message;
}

TEST(SettingChecks, WhatIsNoBrokerIsToldWithTheForm) {
  for (const char* bad : {"", ",", "a:1,", " ", "127.0.0.1:99999", "a:0", "a:-1", "a:", ":9092", "a:9092x", "a b:1",
                          "::1:9092", "[::1:9092", "http://a:1/x", "a:99999999999999999999"}) {
    const auto checked = check_brokers(bad);
    ASSERT_FALSE(checked.ok()) << bad;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(checked.error().message, AllOf(HasSubstr(std::string("'") + bad + "'"), HasSubstr("write host:port")))
        << bad;
  }
}

TEST(SettingChecks, APrefixBeginsATopicsName) {
  for (const char* good : {"ride", "lab-2", "0_a"}) EXPECT_TRUE(check_prefix(good).ok()) << good;
  for (const std::string bad : {"", "../..", "a.b", "Lab", "-a", "_a", "a b"})
    EXPECT_FALSE(check_prefix(bad).ok()) << bad;
  EXPECT_FALSE(check_prefix(std::string(65, 'a')).ok());
}

TEST(SettingChecks, SizesOutsideTheirRangeAreToldWithIt) {
  EXPECT_EQ(size_between("2MiB", {1 << 20}, {4 << 20}).value(), 2 << 20);
  for (const char* bad : {"1B", "5MiB", "99999GiB", "99999999999TiB", "-1MiB", "many"})
    EXPECT_FALSE(size_between(bad, {1 << 20}, {4 << 20}).ok()) << bad;
  EXPECT_THAT(size_between("5MiB", {1 << 20}, {4 << 20}).error().message, HasSubstr("give 1MiB to 4MiB"));
  EXPECT_FALSE(check_max_message_bytes("99999GiB").ok());
  EXPECT_TRUE(check_max_message_bytes("400MiB").ok());
}

}  // namespace
}  // namespace ride
