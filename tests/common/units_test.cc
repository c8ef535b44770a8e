#include "common/units.h"

#include <gtest/gtest.h>

#include <utility>

namespace ride {
namespace {

using namespace std::chrono_literals;

TEST(ByteSize, ReadsBinaryAndDecimalUnits) {
  const std::pair<const char*, std::int64_t> cases[] = {{"4096", 4096},
                                                        {"0", 0},
                                                        {"7B", 7},
                                                        {"2KB", 2000},
                                                        {"2KiB", 2048},
                                                        {"512 MB", 512000000},
                                                        {"2GiB", 2LL << 30},
                                                        {"1.5GiB", 3LL << 29},
                                                        {" 3 MiB ", 3 << 20},
                                                        {"1TB", 1000000000000},
                                                        {"1TiB", 1LL << 40},
                                                        {"9007199254740993", 9007199254740993}};
  for (const auto& [text, bytes] : cases) {
    const auto size = parse_byte_size(text);
    ASSERT_TRUE(size) << text << ": " << size.error().message;
    EXPECT_EQ(size->bytes, bytes) << text;
  }
}

TEST(ByteSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "B", "-1", "-1KB", "1.2.3MB", "1 kb", "5 apples", ".5MB", "5.MB", "1e3", "0x10",
                           "99999999999TiB", "inf", "nan", "1MB2", "99999999999999999999"}) {
    const auto size = parse_byte_size(text);
    ASSERT_FALSE(size) << text << " gave " << size->bytes;
    EXPECT_EQ(size.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_NE(parse_byte_size("5 apples").error().message.find("unknown unit 'apples'"), std::string::npos);
}

TEST(ByteSize, IsWrittenInExactBinaryUnitsWhereTheyFit) {
  EXPECT_EQ(format_byte_size({2LL << 30}), "2GiB");
  EXPECT_EQ(format_byte_size({3LL << 29}), "1536MiB");
  EXPECT_EQ(format_byte_size({810000}), "810.0KB");
  EXPECT_EQ(format_byte_size({621411234}), "621.4MB");
  EXPECT_EQ(format_byte_size({999}), "999B");
  EXPECT_EQ(format_byte_size({0}), "0B");
  EXPECT_EQ(format_byte_size({-810000}), "-810.0KB");
}

TEST(Duration, ReadsWholeAndFractionalNumbersWithAUnit) {
  const std::pair<const char*, milliseconds> cases[] = {{"250ms", 250ms}, {"10s", 10s},    {"10m", 10min},
                                                        {"2h", 2h},       {"7d", 168h},    {"1.5s", 1500ms},
                                                        {"0s", 0ms},      {"0.1s", 100ms}, {"1 m", 1min}};
  for (const auto& [text, wanted] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text << ": " << duration.error().message;
    EXPECT_EQ(*duration, wanted) << text;
  }
}

TEST(Duration, RefusesWhatIsAmbiguousOrTooFine) {
  for (const char* text : {"", "10", "10.5", "s", "-1s", "0.5ms", "5 years", "1h30m", "99999999999999999d", "1.s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_NE(parse_duration("10").error().message.find("has no unit"), std::string::npos);
}

TEST(Duration, IsNeverSoLongThatAClockOverflows) {
  EXPECT_TRUE(parse_duration("36500d"));
  for (const char* text : {"36501d", "99999999999d", "9000000000000000s", "9223372036854775807ms"}) {
    ASSERT_FALSE(parse_duration(text)) << text;
    EXPECT_NE(parse_duration(text).error().message.find("longer than a hundred years"), std::string::npos);
  }
}

TEST(Duration, IsWrittenSoThatItReadsBackTheSame) {
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(10min), "10m");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(0ms), "0ms");
  EXPECT_EQ(format_duration(-1500ms), "-1.5s");
  for (const std::int64_t count : {1, 999, 1000, 1001, 59999, 60000, 3600000, 86400000, 123456789}) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds(count))).value(), milliseconds(count));
  }
}

TEST(Time, IsWrittenInUtcWithMicroseconds) {
  EXPECT_EQ(format_time(SystemTime{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(SystemTime{1795248000s + 42us}), "2026-11-21T08:00:00.000042Z");
  EXPECT_EQ(format_time(SystemTime{-1us}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time(SystemTime::max()), "9999-12-31T23:59:59.999999Z") << "a year has four digits";
  EXPECT_EQ(format_time(SystemTime::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(Time, IsReadWithOtherOffsetsAndPrecisions) {
  const SystemTime wanted{1795248000s};
  for (const char* text : {"2026-11-21T08:00:00Z", "2026-11-21T08:00:00.000000Z", "2026-11-21T09:30:00+01:30",
                           "2026-11-20T23:00:00.0-09:00", "2026-11-21 08:00:00z", "2026-11-21T08:00:00.000000999Z"}) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time) << text << ": " << time.error().message;
    EXPECT_EQ(*time, wanted) << text;
  }
  EXPECT_EQ(parse_time("2026-11-21T08:00:00.25Z").value(), wanted + 250ms);
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"", "now", "2026-11-21", "2026-11-21T08:00:00", "2026-02-30T08:00:00Z",
                           "2026-13-01T08:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T08:60:00Z",
                           "2026-11-21T08:00:00.Z", "2026-11-21T08:00:00Zx", "2026-11-21T08:00:00+1:00"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace ride
