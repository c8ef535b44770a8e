// qr on codes that another program made (qrencode), turned, made smaller, in noise.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "common/json.h"
#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

using nlohmann::json;

// Modules of so many pixels, four of them light around the code.
cv::Mat code_of(const std::string& text, int module = 4, const std::string& options = "") {
  const TempFolder folder;
  std::ofstream(folder / "text", std::ios::binary) << text;
  const std::string picture = folder / "code.png";
  const std::string command = "qrencode " + options + " -s " + std::to_string(module) + " -m 4 -t PNG -r '" +
                              (folder / "text") + "' -o '" + picture + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << "qrencode is needed: run 'scripts/install-deps --tests'";
  return cv::imread(picture, cv::IMREAD_GRAYSCALE);
}

json codes_in(const cv::Mat& picture, const ParamValues& params = {}) {
  auto task = opened("qr", params);
  KeepingEmitter out;
  const Frame frame = with_bytes(frame_of(picture), {1, 2, 3}, "image/png");
  const auto done = task->process(frame, out);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(out.only().image.data, frame.image.data) << "the picture was replaced";
  EXPECT_TRUE(out.only().encoded);
  return json::parse(out.only().attributes.at("qr"));
}

std::string text_in(const cv::Mat& picture) {
  const json codes = codes_in(picture);
  return codes.size() == 1 ? codes[0].at("text").get<std::string>() : std::to_string(codes.size()) + " codes";
}

cv::Mat light_wall(int rows, int cols) { return {rows, cols, CV_8UC1, cv::Scalar(200)}; }

// The middle of the picture turned by degrees against the clock, and made larger or smaller.
cv::Mat turned_by(const cv::Mat& picture, double degrees, double scale) {
  cv::Mat out;
  const cv::Mat turn = cv::getRotationMatrix2D({(picture.cols - 1) / 2.0F, (picture.rows - 1) / 2.0F}, degrees, scale);
  cv::warpAffine(picture, out, turn, picture.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar(200));
  return out;
}

TEST(Qr, ReadsWhatAnotherProgramWroteAndSaysWhereItStands) {
  cv::Mat picture = light_wall(300, 400);
  const cv::Mat code = code_of("https://example.org/a?b=1&c=2");
  code.copyTo(picture(cv::Rect(150, 60, code.cols, code.rows)));
  const json codes = codes_in(picture);
  ASSERT_EQ(codes.size(), 1U) << codes;
  EXPECT_EQ(codes[0].at("text"), "https://example.org/a?b=1&c=2");
  // The light border is 16 pixels wide.
  const int left = 150 + 16, top = 60 + 16, right = 150 + code.cols - 16, bottom = 60 + code.rows - 16;
  const int wanted[4][2] = {{left, top}, {right, top}, {right, bottom}, {left, bottom}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(codes[0].at("corners")[i][0].get<int>(), wanted[i][0], 3) << i;
    EXPECT_NEAR(codes[0].at("corners")[i][1].get<int>(), wanted[i][1], 3) << i;
  }
}

TEST(Qr, ReadsTextsOfEveryKind) {
  for (const std::string& text : {std::string("0123456789"), std::string("Ü-Bahn: 東京 🚇"),
                                  std::string("a\nb\t\"c\" \\ <d>"), std::string(2000, 'x'), std::string("A")})
    EXPECT_EQ(text_in(code_of(text)), text);
  // Bytes that are no text at all: whatever is said, it is JSON, and UTF-8.
  EXPECT_NO_THROW(codes_in(code_of("\xff\xfe\x80 abc", 4, "-8")).dump());
}

TEST(Qr, ReadsTurnedSmallerAndBlurredCodes) {
  cv::Mat picture = light_wall(400, 400);
  const cv::Mat code = code_of("turn me", 8);
  code.copyTo(picture(cv::Rect((400 - code.cols) / 2, (400 - code.rows) / 2, code.cols, code.rows)));
  for (const double degrees : {0.0, 20.0, 45.0, 90.0, 135.0, 180.0, 270.0, 300.0})
    for (const double scale : {0.5, 1.0, 1.5})
      EXPECT_EQ(text_in(turned_by(picture, degrees, scale)), "turn me") << degrees << " " << scale;
  cv::Mat blurred, noisy = picture.clone();
  cv::GaussianBlur(picture, blurred, {7, 7}, 0);
  EXPECT_EQ(text_in(blurred), "turn me");
  cv::addWeighted(picture, 0.7, noise(400, 400, CV_8UC1), 0.3, 0, noisy);
  EXPECT_EQ(text_in(noisy), "turn me");
}

TEST(Qr, CornersTurnWithTheCode) {
  cv::Mat picture = light_wall(300, 300);
  const cv::Mat code = code_of("turn me", 6);
  code.copyTo(picture(cv::Rect(20, 40, code.cols, code.rows)));
  cv::Mat half;
  cv::rotate(picture, half, cv::ROTATE_180);
  const json before = codes_in(picture), after = codes_in(half);
  ASSERT_EQ(after.size(), 1U);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis)
      EXPECT_NEAR(after[0]["corners"][i][axis].get<int>(), 300 - before[0]["corners"][i][axis].get<int>(), 4);
  }
}

TEST(Qr, ReadsSeveralFromTheTopDown) {
  cv::Mat picture = light_wall(500, 900);
  const char* texts[] = {"one", "two", "three", "four"};
  for (int i = 0; i < 4; ++i) {
    const cv::Mat code = code_of(texts[i]);
    code.copyTo(picture(cv::Rect(40 + 200 * i, 300 - 80 * i, code.cols, code.rows)));
  }
  const json codes = codes_in(picture);
  ASSERT_EQ(codes.size(), 4U) << codes;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(codes[i].at("text"), texts[3 - i]);
  EXPECT_EQ(codes_in(picture, {{"max_codes", std::int64_t{2}}}).size(), 2U);
}

TEST(Qr, LooksAtOtherDepthsAndChannelsAlike) {
  const cv::Mat code = code_of("deep");
  cv::Mat color, alpha, deep, real;
  cv::cvtColor(code, color, cv::COLOR_GRAY2BGR);
  cv::cvtColor(code, alpha, cv::COLOR_GRAY2BGRA);
  code.convertTo(deep, CV_16U, 257);
  code.convertTo(real, CV_32F, 1 / 255.0);
  for (const cv::Mat& picture : {color, alpha, deep, real}) EXPECT_EQ(codes_in(picture), codes_in(code));
  EXPECT_NE(error_of("qr", {}, frame_of(noise(4, 4, CV_8SC1))).find("not supported"), std::string::npos);
}

TEST(Qr, ALargePictureIsReducedForTheSearchOnly) {
  cv::Mat picture = light_wall(4000, 6000);  // 24 megapixels
  const cv::Mat code = code_of("far away", 8);
  code.copyTo(picture(cv::Rect(5000, 3000, code.cols, code.rows)));
  const json codes = codes_in(picture);
  ASSERT_EQ(codes.size(), 1U);
  EXPECT_NEAR(codes[0]["corners"][0][0].get<int>(), 5032, 6);
  EXPECT_NEAR(codes[0]["corners"][0][1].get<int>(), 3032, 6);
}

// Control characters take six bytes each in JSON; what three codes of 2,000 hold is too much for the headers of a
// record.
TEST(Qr, WhatIsTooMuchTextIsLeftOutAndSaysSo) {
  const std::vector<cv::Mat> made = {code_of(std::string(2000, '\1'), 4), code_of(std::string(2000, '\2'), 4),
                                     code_of(std::string(2000, '\3'), 4)};
  const int side = made[0].rows;
  cv::Mat picture = light_wall(3 * side + 200, side + 50);
  for (int i = 0; i < 3; ++i) made[i].copyTo(picture(cv::Rect(0, i * (side + 100), side, side)));
  const json codes = codes_in(picture);
  ASSERT_EQ(codes.size(), 3U);
  EXPECT_EQ(codes[0]["text"], std::string(2000, '\1'));
  EXPECT_EQ(codes[1]["text"], std::string(2000, '\2'));
  EXPECT_FALSE(codes[2].contains("text"));
  EXPECT_EQ(codes[2]["left_out"], 12'002);
  EXPECT_EQ(codes[2]["corners"].size(), 4U);
}

TEST(Qr, FindsNothingInFlatAndNoisyPictures) {
  for (const cv::Size size : kSizes) {
    EXPECT_TRUE(codes_in(cv::Mat(size, CV_8UC3, cv::Scalar(90, 90, 90))).empty()) << size;
    EXPECT_TRUE(codes_in(noise(size.height, size.width, CV_8UC1)).empty()) << size;
  }
  for (int seed = 1; seed <= 3; ++seed) EXPECT_TRUE(codes_in(noise(480, 640, CV_8UC3, seed)).empty()) << seed;
  cv::Mat wild(100, 100, CV_32FC1, cv::Scalar(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_TRUE(codes_in(wild).empty());
  EXPECT_TRUE(codes_in(cv::Mat(1, 20'000'000, CV_8UC1, cv::Scalar(0))).empty());
}

TEST(Qr, ACodeThatIsCoveredByHalfIsNotRead) {
  cv::Mat code = code_of("half of it", 8);
  code(cv::Rect(0, code.rows / 2, code.cols, code.rows / 2)) = 255;
  EXPECT_TRUE(codes_in(code).empty());
}

}  // namespace
}  // namespace ride::tasks
