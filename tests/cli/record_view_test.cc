#include "cli/core/record_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;

SystemTime at(const char* text) { return *parse_time(text); }

stream::Record record_of(stream::Headers headers, const std::string& value) {
  static std::string kept;
  kept = value;
  stream::Record record;
  record.at = {"ride.street.1.people", PartitionId{3}};
  record.offset = Offset{42};
  record.timestamp = at("2026-11-21T12:00:00.012Z");
  record.headers = std::move(headers);
  record.value = {reinterpret_cast<const std::uint8_t*>(kept.data()), kept.size()};
  return record;
}

stream::RecordHeader street_frame() {
  stream::RecordHeader header;
  header.id = {"gate", SessionId{1}, 7};
  header.job = "street";
  header.writer_stage = "gate";
  header.captured_at = at("2026-11-21T12:00:00Z");
  header.origin = {{"gate", PartitionId{0}}, {1, 7}, RunNumber{1}};
  header.parts = 1;
  header.writer = "p1#a";
  header.content_type = stream::kRawContentType;
  header.pixels = stream::PixelFormat{.rows = 2, .cols = 2, .channels = 1, .depth = 0};
  header.attributes["detections"] = "[]";
  return header;
}

TEST(RecordView, ShowsWhoseFrameItIsAndHowLongItTook) {
  const auto facts = facts_of(record_of(stream::encode_header(street_frame()), "abcd"));
  const std::string text = render_record(facts, {}, at("2026-11-21T12:00:01Z"));
  EXPECT_THAT(text, HasSubstr("ride.street.1.people/3 @ 42 frame"));
  EXPECT_THAT(text, HasSubstr("frame      gate/1/7"));
  EXPECT_THAT(text, HasSubstr("image/x-raw 2x2x1 8u"));
  EXPECT_THAT(text, HasSubstr("12.0 ms before it was written here, 1s ago"));
  EXPECT_THAT(text, HasSubstr("detections []"));
}

TEST(RecordView, AsJsonHasTheFrameAndItsHeaders) {
  const auto json =
      record_to_json(facts_of(record_of(stream::encode_header(street_frame()), "abcd")), at("2026-11-21T12:00:01Z"));
  EXPECT_EQ(json["topic"], "ride.street.1.people");
  EXPECT_EQ(json["kind"], "frame");
  EXPECT_EQ(json["source"], "gate");
  EXPECT_EQ(json["number"], 7);
  EXPECT_EQ(json["shape"], "2x2x1");
  EXPECT_EQ(json["bytes"], 4);
  EXPECT_EQ(json["age_ms"], 1000.0);
  EXPECT_TRUE(json["headers"].contains("ce_id"));
}

TEST(RecordView, ShowsTextOfForeignRecordsAndNoGarbage) {
  const auto facts = facts_of(record_of({{"x", "\xff\xfe"}}, "{\"type\": \"tick\"}"));
  const auto json = record_to_json(facts, at("2026-11-21T12:00:01Z"));
  EXPECT_EQ(json["kind"], "foreign");
  EXPECT_EQ(json["text"], "{\"type\": \"tick\"}");
  EXPECT_NO_THROW(static_cast<void>(json.dump()));
  EXPECT_EQ(facts_of(record_of({}, std::string("\0\1\2", 3))).text, "");
}

TEST(RecordView, TheTextOfAForeignRecordGivesTheTerminalNoOrders) {
  const auto facts = facts_of(record_of({{"x\x1b[2J",
                                          "\xc2\x9b"
                                          "2J"}},
                                        "line\nmore\xc2\x9b"
                                        "2J\x7f\r"));
  const auto text = render_record(facts, {}, {});
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
  EXPECT_EQ(text.find_first_of("\x1b\x7f\r"), std::string::npos) << text;
}

TEST(RecordView, SaysWhatIsWrongWithARecordThatContradictsItself) {
  stream::Headers headers = stream::encode_header(street_frame());
  for (auto& [name, value] : headers)
    if (name == "ride_part") value = "9/2";
  const auto facts = facts_of(record_of(std::move(headers), "abcd"));
  EXPECT_FALSE(facts.frame.has_value());
  EXPECT_THAT(facts.problem, HasSubstr("ride_part"));
  EXPECT_EQ(record_to_json(facts, {})["kind"], "unreadable");
}

}  // namespace
}  // namespace ride::cli
