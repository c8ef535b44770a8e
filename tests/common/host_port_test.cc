#include "common/host_port.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

TEST(HostPort, IsReadAsPeopleWriteItAndWrittenBackSo) {
  for (const char* text : {"127.0.0.1:7800", "[::1]:0", ":65535", "kafka1.site-a:9092"}) {
    const auto address = parse_host_port(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  EXPECT_EQ(parse_host_port("[fe80::1]:90"), (HostPort{"fe80::1", 90}));
  EXPECT_EQ(parse_host_port(":0"), (HostPort{"", 0}));
}

TEST(HostPort, WhatIsNoPortIsNone) {
  for (const char* text :
       {"", "7800", "host", "host:", "host:65536", "host:-1", "host:+1", "host:7800x", "host:999999", "host: 80"})
    EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace
}  // namespace ride
