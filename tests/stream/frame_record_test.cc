#include "stream/core/frame_record.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "stream/core/set.h"

namespace ride::stream {
namespace {

RecordHeader sample() {
  RecordHeader header;
  header.id = {"gate", SessionId{3}, 1042};
  header.job = "street";
  header.writer_stage = "clean";
  header.captured_at = parse_time("2026-11-21T08:00:00.123456Z").value();
  header.origin = {{"clean", PartitionId{2}}, {77, 0}, RunNumber{4}};
  header.part = 1;
  header.parts = 3;
  header.item = 1;
  header.chunk = Chunk{1, 2, 4194304, 6000000};
  header.writer = "w1#ab@7";
  header.content_type = kRawContentType;
  header.pixels = PixelFormat{900, 900, 1, CV_8U};
  header.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  header.attributes = {{"detections", "[]"}};
  header.passed_on = {{"camera-note", "north"}, {"camera-note", "again"}};
  return header;
}

void replace(Headers& headers, const std::string& name, const std::string& value) {
  for (auto& [key, old] : headers)
    if (key == name) old = value;
}

TEST(FrameRecord, WhatIsWrittenIsReadBack) {
  const auto header = sample();
  EXPECT_EQ(decode_header(encode_header(header)).value(), header);
}

TEST(FrameRecord, IsACloudEventInBinaryMode) {
  const auto headers = encode_header(sample());
  const auto value = [&](const std::string& name) {
    for (const auto& [key, text] : headers)
      if (key == name) return text;
    return std::string("absent");
  };
  EXPECT_EQ(value("ce_specversion"), "1.0");
  EXPECT_EQ(value("ce_type"), "ride.frame");
  EXPECT_EQ(value("ce_source"), "street/clean");
  EXPECT_EQ(value("ce_id"), "gate/3/1042");
  EXPECT_EQ(value("ce_time"), "2026-11-21T08:00:00.123456Z");
  EXPECT_EQ(value("ride_shape"), "900x900x1");
  EXPECT_EQ(value("ride_depth"), "8u");
}

TEST(FrameRecord, UnknownHeadersArePassedOnInOrder) {
  auto headers = encode_header(sample());
  headers.emplace_back("x-new", "1");
  const auto decoded = decode_header(headers).value();
  ASSERT_EQ(decoded.passed_on.size(), 3U);
  EXPECT_EQ(decoded.passed_on[2], (std::pair<std::string, std::string>{"x-new", "1"}));
}

TEST(FrameRecord, AForeignRecordIsToldFromADamagedOne) {
  EXPECT_EQ(decode_header({{"seq", "1"}}).error().code, ErrorCode::not_found);
  auto headers = encode_header(sample());
  replace(headers, "ride_format", "2");
  EXPECT_EQ(decode_header(headers).error().code, ErrorCode::unsupported);
}

TEST(FrameRecord, EveryDamagedHeaderIsRefusedByName) {
  const std::pair<const char*, const char*> damaged[] = {
      {"ce_type", "ride.other"}, {"ce_id", "gate"},         {"ce_time", "yesterday"},       {"ride_origin", "a/b"},
      {"ride_part", "4/3"},      {"ride_part", "0/1"},      {"ride_part", "1/99999999999"}, {"ride_item", "-1"},
      {"ride_chunk", "1/2/3"},   {"ride_chunk", "1/1/9/3"}, {"ride_shape", "0x3x1"},        {"ride_shape", "900x900"},
      {"ride_shape", "9x9x5"},   {"ride_depth", "9u"}};
  for (const auto& [name, value] : damaged) {
    auto headers = encode_header(sample());
    replace(headers, name, value);
    const auto decoded = decode_header(headers);
    ASSERT_FALSE(decoded.ok()) << name << " = " << value;
    EXPECT_EQ(decoded.error().code, ErrorCode::corrupt);
  }
}

TEST(HomePartition, IsAPureFunctionOfTheFrame) {
  EXPECT_EQ(home_partition({"cam", SessionId{1}, 13}, PartitionBy::frame, 4), PartitionId{1});
  const auto by_source = home_partition({"cam", SessionId{1}, 13}, PartitionBy::source, 4);
  EXPECT_EQ(by_source, home_partition({"cam", SessionId{9}, 14}, PartitionBy::source, 4));
}

TEST(Sets, ALargePictureIsCutIntoChunksThatCoverIt) {
  const std::vector<std::uint8_t> bytes(1000, 1);
  std::vector<SetFrame> frames(1);
  frames[0].header = sample();
  frames[0].payload = {bytes, nullptr};
  const auto records = make_frame_set({"j", "s", "w", {{"s", PartitionId{0}}, {1, 0}, RunNumber{1}}}, std::move(frames),
                                      {.whole_bytes = 500, .chunk_bytes = 300});
  ASSERT_EQ(records.size(), 4U);
  std::int64_t covered = 0;
  for (const auto& record : records) {
    const auto header = decode_header(record.headers).value();
    EXPECT_EQ(header.parts, 4);
    EXPECT_EQ(header.chunk->begin, covered);
    EXPECT_EQ(header.chunk->total, 1000);
    covered += static_cast<std::int64_t>(record.value.size());
  }
  EXPECT_EQ(covered, 1000);
}

TEST(Sets, NoRecordIsLargerThanTheClusterTakes) {
  const auto small = chunk_limits(1 << 20);
  EXPECT_LT(small.whole_bytes, 1 << 20);
  EXPECT_LT(small.chunk_bytes, 1 << 20);
  EXPECT_EQ(chunk_limits(16 << 20).whole_bytes, 8 << 20);
  EXPECT_EQ(chunk_limits(16 << 20).chunk_bytes, 4 << 20);
}

}  // namespace
}  // namespace ride::stream
