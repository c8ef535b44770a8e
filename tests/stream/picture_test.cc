#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <chrono>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "stream/core/picture_info.h"
#include "stream/frame_codec.h"
#include "tests/support/hostile_pictures.h"

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
      cut.payload.bytes =
          whole.payload.bytes.first(static_cast<std::size_t>(static_cast<double>(whole.payload.bytes.size()) * share));
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

WholeFrame as_record(const std::vector<std::uint8_t>& bytes) {
  WholeFrame whole;
  whole.header.id = {"cam", SessionId{1}, 0};
  whole.payload.bytes = bytes;
  return whole;
}

WholeFrame raw_record(PixelFormat pixels, const std::vector<std::uint8_t>& bytes, bool compressed = true) {
  auto whole = as_record(bytes);
  whole.header.content_type = kRawContentType;
  whole.header.pixels = pixels;
  whole.header.compressed = compressed;
  return whole;
}

// What to_frame() says and costs, in a process of its own, so that its memory can be read.
struct Attempt {
  bool taken = false;
  long grown_mb = 0;
  double seconds = 0;
};
Attempt attempt(const WholeFrame& whole, std::int64_t max_pixels = 0) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto begin = std::chrono::steady_clock::now();
    Attempt done{.taken = to_frame(whole, {}, max_pixels).ok()};
    ::getrusage(RUSAGE_SELF, &after);
    done.grown_mb = (after.ru_maxrss - before.ru_maxrss) / 1024;
    done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    ::_exit(::write(ends[1], &done, sizeof done) == sizeof done ? 0 : 1);
  }
  Attempt done;
  ::close(ends[1]);
  EXPECT_EQ(::read(ends[0], &done, sizeof done), static_cast<ssize_t>(sizeof done)) << "it ended the process";
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return done;
}

TEST(FrameCodec, ARawPictureThatItsRecordCannotHoldIsRefusedBeforeMemoryIsTaken) {
  const std::vector<std::uint8_t> bytes(24, 7);
  const auto frame = to_frame(raw_record({31000, 31000, 4, CV_64F}, bytes), {}, 0);
  ASSERT_FALSE(frame.ok());
  EXPECT_NE(frame.error().message.find("31000x31000x4"), std::string::npos) << frame.error().message;
  EXPECT_FALSE(to_frame(raw_record({20000, 20000, 1, CV_8U}, bytes), {}, 0).ok());
}

TEST(FrameCodec, ARawPictureOfMoreBytesThanItsPixelsMayHaveIsRefused) {
  std::vector<std::uint8_t> packed(1 << 16);
  const std::vector<std::uint8_t> pixels(1024 * 1024 * 32);
  packed.resize(ZSTD_compress(packed.data(), packed.size(), pixels.data(), pixels.size(), 1));
  const auto frame = to_frame(raw_record({1024, 1024, 4, CV_64F}, packed), {}, 1024 * 1024);
  ASSERT_FALSE(frame.ok());
  EXPECT_EQ(frame.error().code, ErrorCode::resource_exhausted);
}

TEST(FrameCodec, ARawPictureThatSaysAnotherSizeThanItsDataIsRefused) {
  std::vector<std::uint8_t> packed(1 << 16);
  const std::vector<std::uint8_t> pixels(4'000'000);
  packed.resize(ZSTD_compress(packed.data(), packed.size(), pixels.data(), pixels.size(), 1));
  EXPECT_TRUE(to_frame(raw_record({2000, 2000, 1, CV_8U}, packed), {}, 0).ok());
  for (const int rows : {1999, 2001}) {
    const auto frame = to_frame(raw_record({rows, 2000, 1, CV_8U}, packed), {}, 0);
    ASSERT_FALSE(frame.ok());
    EXPECT_EQ(frame.error().code, ErrorCode::corrupt);
  }
}

TEST(FrameCodec, APngWhoseDataCannotFillItsSizeCostsNothing) {
  const auto bytes = test::png_of(30'000, 30'000, 8, 2, test::packed_zeros(12 << 20));
  ASSERT_LT(bytes.size(), 13'000U);
  const auto done = attempt(as_record(bytes));
  EXPECT_FALSE(done.taken);
  EXPECT_LT(done.grown_mb, 100);
}

TEST(FrameCodec, APngWithTextThatUnpacksWithoutEndCostsNothing) {
  test::PictureBytes text;
  auto data = test::packed_zeros(7'900'000);
  data.insert(data.begin(), {'t', 0, 0});
  for (int i = 0; i < 60; ++i) text = test::joined(std::move(text), test::png_chunk("zTXt", data));
  const auto done = attempt(as_record(test::png_of(16, 16, 8, 0, test::packed_zeros(16 * 17), text)));
  EXPECT_FALSE(done.taken);
  EXPECT_LT(done.grown_mb, 100);
}

TEST(FrameCodec, AProgressiveJpegOfVeryManyPassesCostsNothing) {
  const auto bytes = test::with_jpeg_size(test::with_more_scans(test::progressive_jpeg(64), 3000), 6000, 6000);
  const auto done = attempt(as_record(bytes));
  EXPECT_FALSE(done.taken);
  EXPECT_LT(done.grown_mb, 100);
  EXPECT_LT(done.seconds, 2);
}

TEST(FrameCodec, APictureWithMuchBehindItsEndIsTaken) {
  // As phones append a video or a second picture (motion photos, MPF); and what follows a picture may hold anything.
  auto behind = std::vector<std::uint8_t>(6 << 20, 0x55);
  for (std::size_t i = 0; i + 4 < behind.size(); i += 1000) {
    behind[i] = 0xFF;
    behind[i + 1] = 0xDA;
  }
  for (const auto* codec : {"jpeg:90", "png"}) {
    const auto content = encode_picture(gradient(), nullptr, parse_codec(codec).value()).value();
    const auto bytes = test::joined({content.payload.bytes.begin(), content.payload.bytes.end()}, behind);
    EXPECT_TRUE(to_frame(as_record(bytes), {}, 0).ok()) << codec;
  }
}

TEST(PictureInfo, TheEndOfAThumbnailIsNotTheEndOfThePicture) {
  std::vector<std::uint8_t> thumbnail, picture;
  cv::imencode(".jpg", gradient(8, 8), thumbnail);
  cv::imencode(".jpg", gradient(37, 91), picture);
  ASSERT_LT(thumbnail.size(), 2000U);
  const auto whole = test::with_segment(picture, 0xE1, test::joined({'E', 'x', 'i', 'f', 0, 0}, thumbnail));
  EXPECT_TRUE(inspect_picture(whole).ok());
  const auto header_end = test::find_marker(picture, 0xDA) + whole.size() - picture.size();
  for (const std::size_t cut : {header_end, header_end + 20, whole.size() - 2, whole.size() - 1}) {
    const auto info = inspect_picture(std::span(whole).first(cut));
    ASSERT_FALSE(info.ok()) << "cut at " << cut << " of " << whole.size();
    EXPECT_NE(info.error().message.find("truncated JPEG"), std::string::npos) << info.error().message;
  }
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

// What a producer looks at before it reads a whole file.
TEST(PictureInfo, AHeadTellsTheSizeOrThatMoreBytesMayTell) {
  for (const auto* extension : {".jpg", ".png"}) {
    std::vector<std::uint8_t> bytes;
    cv::imencode(extension, gradient(37, 91), bytes);
    bool told = false;
    for (std::size_t length = 8; length <= bytes.size(); ++length) {
      const auto head = inspect_picture_head(std::span(bytes).first(length));
      EXPECT_FALSE(told && !head.ok()) << extension << " of " << length;
      told = head.ok();
      EXPECT_TRUE(told || head.error().retriable) << extension << " of " << length;
      if (told) {
        EXPECT_EQ(head->rows, 37);
        EXPECT_EQ(head->cols, 91);
      }
      EXPECT_FALSE(length < bytes.size() && inspect_picture(std::span(bytes).first(length)).error().retriable)
          << "a whole picture ends there";
    }
    EXPECT_TRUE(told);
    bytes[extension == std::string(".png") ? 12 : 2] = 0;  // the header chunk has another name; no marker
    EXPECT_FALSE(inspect_picture_head(bytes).ok());
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
