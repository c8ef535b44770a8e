#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "stream/core/picture_info.h"
#include "stream/frame_codec.h"

namespace ride::stream {
namespace {

cv::Mat gradient(int rows = 40, int cols = 60, int type = CV_8UC3) {
  cv::Mat image(rows, cols, type);
  cv::randu(image, 0, 255);
  return image;
}

WholeFrame as_record(const Content& content) {
  WholeFrame whole;
  whole.header.id = {"cam", SessionId{1}, 0};
  whole.header.content_type = content.content_type;
  whole.header.pixels = content.pixels;
  whole.header.compressed = content.compressed;
  whole.payload = content.payload;
  return whole;
}

bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

TEST(FrameCodec, LosslessCodecsGiveEveryPixelBack) {
  for (const auto* codec : {"raw", "raw:zstd", "png"})
    for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1}) {
      const auto image = gradient(33, 17, type);
      const auto content = encode_picture(image, nullptr, parse_codec(codec).value()).value();
      EXPECT_TRUE(same(to_frame(as_record(content), {}, 0).value().image, image)) << codec << " type " << type;
    }
}

TEST(FrameCodec, RawPixelsAreNotCopied) {
  const auto image = gradient();
  const auto content = encode_picture(image, nullptr, {}).value();
  EXPECT_EQ(content.payload.bytes.data(), image.data);
  EXPECT_EQ(to_frame(as_record(content), {}, 0).value().image.data, image.data);
}

TEST(FrameCodec, APartOfAPictureIsSentAsThatPart) {
  const auto whole = gradient();
  const cv::Mat part = whole(cv::Rect(5, 5, 10, 10));
  const auto content = encode_picture(part, nullptr, {}).value();
  EXPECT_TRUE(same(to_frame(as_record(content), {}, 0).value().image, part));
}

TEST(FrameCodec, AnUnchangedJpegIsPassedOnWithoutASecondLoss) {
  const auto jpeg = encode_picture(gradient(), nullptr, parse_codec("jpeg:80").value()).value();
  const auto frame = to_frame(as_record(jpeg), {}, 0).value();
  for (const auto* codec : {"", "jpeg:50"})
    EXPECT_EQ(content_for(frame, codec).value().payload.bytes.data(), jpeg.payload.bytes.data()) << codec;
}

TEST(FrameCodec, ATruncatedPictureIsRefused) {
  for (const auto* codec : {"jpeg:90", "png"}) {
    auto whole = as_record(encode_picture(gradient(200, 200), nullptr, parse_codec(codec).value()).value());
    for (const double share : {0.0, 0.001, 0.3, 0.9, 0.999}) {
      auto cut = whole;
      cut.payload.bytes = whole.payload.bytes.first(static_cast<std::size_t>(static_cast<double>(whole.payload.bytes.size()) * share));
      EXPECT_FALSE(to_frame(cut, {}, 0).ok()) << codec << " cut to " << share;
    }
  }
}

TEST(FrameCodec, APictureAboveThePixelLimitIsRefusedBeforeItIsDecoded) {
  const auto whole = as_record(encode_picture(gradient(100, 100), nullptr, parse_codec("png").value()).value());
  const auto frame = to_frame(whole, {}, 9999);
  ASSERT_FALSE(frame.ok());
  EXPECT_EQ(frame.error().code, ErrorCode::resource_exhausted);
  EXPECT_NE(frame.error().message.find("100 x 100"), std::string::npos);
}

TEST(FrameCodec, BytesThatDoNotFillTheShapeAreRefused) {
  const AdoptSpec adopt{"raw", "10x10x1", "8u"};
  const std::vector<std::uint8_t> bytes(99);
  WholeFrame whole;
  whole.payload = {bytes, nullptr};
  EXPECT_EQ(to_frame(whole, adopt, 0).error().code, ErrorCode::corrupt);
}

TEST(PictureInfo, TellsTheSizeWithoutDecoding) {
  for (const auto* extension : {".jpg", ".png"}) {
    std::vector<std::uint8_t> bytes;
    cv::imencode(extension, gradient(37, 91), bytes);
    const auto info = inspect_picture(bytes).value();
    EXPECT_EQ(info.rows, 37);
    EXPECT_EQ(info.cols, 91);
  }
}

TEST(PictureInfo, TextIsNoPicture) {
  const std::string text = "this is a text file named .jpg";
  EXPECT_EQ(inspect_picture({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}).error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(inspect_picture({}).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace ride::stream
