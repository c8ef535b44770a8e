// What a child says is believed in bounds only.
#include "worker/python/reply.h"

#include <gtest/gtest.h>
#include <opencv2/core/hal/interface.h>

namespace ride::python {
namespace {

std::string why(std::string_view text) {
  const auto reply = parse_reply(text);
  return reply.ok() ? "" : reply.error().message;
}

constexpr const char* kPicture =
    R"({"t":"emit","slot":1,"offset":8,"rows":2,"cols":3,"channels":4,"depth":"16U","port":"out2",)"
    R"("attributes":{"count":"7","gone":null}})";

TEST(Reply, APictureHasItsSizeItsPlaceAndItsAttributes) {
  const auto reply = parse_reply(kPicture);
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  const auto& emitted = std::get<Emitted>(*reply);
  EXPECT_EQ(emitted.slot, 1);
  EXPECT_EQ(emitted.offset, 8);
  EXPECT_EQ(emitted.shape.bytes, 48);
  EXPECT_EQ(emitted.shape.type, CV_16UC4);
  EXPECT_EQ(emitted.port, "out2");
  EXPECT_EQ(emitted.attributes.at("count"), "7");
  EXPECT_EQ(emitted.attributes.at("gone"), std::nullopt);
}

TEST(Reply, TheEndOfACallSaysWhatItKeeps) {
  const auto done = parse_reply(R"({"t":"done","kept":true,"drop":[3,4]})");
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(std::get<Finished>(*done).kept);
  EXPECT_EQ(std::get<Finished>(*done).dropped, (std::vector<int>{3, 4}));
  const auto raised = parse_reply(R"({"t":"raised","text":"x.py:1: E","kept":false,"drop":[]})");
  ASSERT_TRUE(raised.ok());
  EXPECT_EQ(std::get<Finished>(*raised).raised, "x.py:1: E");
}

TEST(Reply, NoNumberIsTakenUnchecked) {
  EXPECT_FALSE(picture_shape(0, 1, 1, "8U").ok());
  EXPECT_FALSE(picture_shape(1, -1, 1, "8U").ok());
  EXPECT_FALSE(picture_shape(1, 1, 5, "8U").ok());
  EXPECT_FALSE(picture_shape(1, 1, 1, "64F").ok());
  EXPECT_FALSE(picture_shape(2147483647, 2147483647, 4, "32F").ok());
  EXPECT_FALSE(picture_shape(2147483648, 1, 1, "8U").ok());
  EXPECT_TRUE(picture_shape(65536, 65535, 1, "8U").ok());
  EXPECT_FALSE(picture_shape(65536, 65537, 1, "8U").ok());
  EXPECT_EQ(picture_shape(24160, 25720, 1, "8U")->bytes, 621395200);
}

TEST(Reply, WhatIsNoMessageOfOursIsRefused) {
  for (const char* text :
       {"",
        "x",
        "[]",
        "null",
        "{}",
        R"({"t":5})",
        R"({"t":"open"})",
        R"({"t":"slot"})",
        "{\"t\":\"ready\"",
        R"({"t":"slot","bytes":0,"drop":[]})",
        R"({"t":"slot","bytes":1e3,"drop":[]})",
        R"({"t":"slot","bytes":18446744073709551615,"drop":[]})",
        R"({"t":"slot","bytes":1,"drop":[-1]})",
        R"({"t":"slot","bytes":1,"drop":{}})",
        R"({"t":"done","kept":1,"drop":[]})",
        R"({"t":"done","kept":true})",
        R"({"t":"raised","kept":true,"drop":[]})",
        R"({"t":"emit","slot":-2,"port":"","attributes":{}})",
        R"({"t":"emit","slot":-1,"port":"","attributes":{"a b":"x"}})",
        R"({"t":"emit","slot":-1,"port":"","attributes":{"":"x"}})",
        R"({"t":"emit","slot":-1,"port":"","attributes":{"a":1}})",
        R"({"t":"emit","slot":-1,"port":"","attributes":[]})",
        "{\"t\":\"ready\xff\"}",
        R"({"t":"emit","slot":1,"offset":-1,"rows":1,"cols":1,"channels":1,"depth":"8U","port":"","attributes":{}})"})
    EXPECT_NE(why(text), "") << text;
  EXPECT_NE(why(std::string(kMostMessage + 1, ' ')), "");
  EXPECT_NE(why(std::string(kMostMessage, '[')), "");
  std::string many = R"({"t":"emit","slot":-1,"port":"","attributes":{)";
  for (int i = 0; i <= kMostAttributes; ++i) many += (i > 0 ? ",\"a" : "\"a") + std::to_string(i) + "\":\"\"";
  EXPECT_NE(why(many + "}}"), "");
}

}  // namespace
}  // namespace ride::python
