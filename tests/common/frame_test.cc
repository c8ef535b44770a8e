#include "common/frame.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

TEST(FrameId, ReadsBackWhatItWrites) {
  const FrameId id{"gate", SessionId{3}, 1042};
  EXPECT_EQ(to_string(id), "gate/3/1042");
  EXPECT_EQ(parse_frame_id("gate/3/1042").value(), id);
}

TEST(FrameId, KeepsSlashesOfTheSourceName) {
  const FrameId id{"hall/north", SessionId{0}, 7};
  EXPECT_EQ(parse_frame_id(to_string(id)).value(), id);
}

TEST(FrameId, RefusesWhatIsNoId) {
  for (const char* text : {"", "gate", "gate/3", "/3/1", "gate/x/1", "gate/3/x", "gate/-3/1", "gate/3/-1", "gate//1",
                           "gate/3/", "gate/3/1 ", "gate/3/99999999999999999999", "//", "1/2"}) {
    EXPECT_FALSE(parse_frame_id(text)) << text;
  }
}

TEST(Codec, ReadsBackWhatItWrites) {
  for (const char* text : {"raw", "raw:zstd", "png", "jpeg:1", "jpeg:90", "jpeg:100"}) {
    const auto codec = parse_codec(text);
    ASSERT_TRUE(codec) << text;
    EXPECT_EQ(to_string(*codec), text);
  }
  EXPECT_EQ(to_string(parse_codec("jpeg").value()), "jpeg:90");
}

TEST(Codec, RefusesUnknownNamesAndQualitiesOutOfBounds) {
  for (const char* text :
       {"", "gif", "JPEG", "jpeg:", "jpeg:0", "jpeg:101", "jpeg:9x", "jpeg:-1", "png:9", "raw:lz4"}) {
    EXPECT_FALSE(parse_codec(text)) << text;
  }
  EXPECT_NE(parse_codec("jpeg:101").error().message.find("1 to 100"), std::string::npos);
}

TEST(PixelBytes, CountsThePixelsThemselvesNotTheRowsPadding) {
  const cv::Mat wide(10, 10, CV_16UC3);
  EXPECT_EQ(pixel_bytes(wide), 600);
  EXPECT_EQ(pixel_bytes(wide(cv::Rect(0, 0, 3, 2))), 36);
  EXPECT_EQ(pixel_bytes(cv::Mat()), 0);
}

}  // namespace
}  // namespace ride
