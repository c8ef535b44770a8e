// crop, flip, rotate and overlay_text.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <opencv2/core.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

ParamValues rectangle(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
  return {{"x", x}, {"y", y}, {"width", width}, {"height", height}};
}

TEST(Crop, CutsTheRectangleOut) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1}) {
    const cv::Mat in = noise(20, 30, type);
    const auto part = [&](cv::Size size, int left, int top) {
      return picture_of(size, type, [&](int y, int x, int c) { return value_at(in, top + y, left + x, c); });
    };
    EXPECT_EQ(largest_difference(run("crop", rectangle(3, 4, 10, 7), in), part({10, 7}, 3, 4)), 0);
    EXPECT_EQ(largest_difference(run("crop", rectangle(29, 19, 1, 1), in), part({1, 1}, 29, 19)), 0);
    EXPECT_EQ(largest_difference(run("crop", rectangle(5, 6, 0, 0), in), part({25, 14}, 5, 6)), 0);
    EXPECT_EQ(largest_difference(run("crop", {}, in), in), 0);
    EXPECT_EQ(largest_difference(run("crop", rectangle(0, 0, 30, 20), in), in), 0);
  }
  expect_views_are_whole_pictures("crop", rectangle(2, 3, 5, 6), CV_8UC3);
}

TEST(Crop, RefusesARectangleThatLeavesThePicture) {
  for (const auto& outside : {rectangle(25, 0, 6, 5), rectangle(0, 15, 5, 6), rectangle(30, 0, 0, 0),
                              rectangle(0, 20, 0, 0), rectangle(1000000, 0, 1000000, 1)}) {
    const std::string error = error_of("crop", outside, frame_of(noise(20, 30, CV_8UC1), 7));
    EXPECT_NE(error.find("stage 'album', frame gate/3/7: the rectangle from ("), std::string::npos) << error;
    EXPECT_NE(error.find("leaves the picture of 30x20x1 8U"), std::string::npos) << error;
  }
  EXPECT_NE(error_of("crop", rectangle(25, 0, 6, 0), frame_of(noise(20, 30, CV_8UC1))).find(" of 6 x the rest leaves"),
            std::string::npos);
  EXPECT_NE(problem("crop", {{"x", std::int64_t{-1}}}).find("from 0"), std::string::npos);
}

TEST(Flip, MirrorsInEachDirection) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC4}) {
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const std::string direction : {"horizontal", "vertical", "both"}) {
        const cv::Mat wanted = picture_of(size, type, [&](int y, int x, int c) {
          return value_at(in, direction == "horizontal" ? y : size.height - 1 - y,
                          direction == "vertical" ? x : size.width - 1 - x, c);
        });
        EXPECT_EQ(largest_difference(run("flip", {{"direction", direction}}, in), wanted), 0) << direction << size;
      }
    }
  }
  expect_views_are_whole_pictures("flip", {}, CV_8UC3);
  EXPECT_NE(problem("flip", {{"direction", std::string("up")}}).find("vertical"), std::string::npos);
  for (const char* task : {"crop", "flip", "rotate"})
    EXPECT_EQ(builtin_tasks().catalog().find(task)->halo, nullptr) << task << ": pixels change their place";
}

ParamValues angle(double degrees, bool expand = true) { return {{"angle", degrees}, {"expand", expand}}; }

TEST(Rotate, ByRightAnglesCopiesThePixels) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1}) {
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type);
      const int w = size.width, h = size.height;
      const cv::Mat right =
          picture_of({h, w}, type, [&](int y, int x, int c) { return value_at(in, h - 1 - x, y, c); });
      const cv::Mat left = picture_of({h, w}, type, [&](int y, int x, int c) { return value_at(in, x, w - 1 - y, c); });
      const cv::Mat around =
          picture_of(size, type, [&](int y, int x, int c) { return value_at(in, h - 1 - y, w - 1 - x, c); });
      for (const double degrees : {90.0, -270.0})
        EXPECT_EQ(largest_difference(run("rotate", angle(degrees), in), right), 0) << size;
      for (const double degrees : {270.0, -90.0})
        EXPECT_EQ(largest_difference(run("rotate", angle(degrees), in), left), 0) << size;
      for (const bool expand : {true, false})
        EXPECT_EQ(largest_difference(run("rotate", angle(180, expand), in), around), 0) << size;
      for (const double degrees : {0.0, 360.0, -360.0})
        EXPECT_EQ(largest_difference(run("rotate", angle(degrees), in), in), 0) << size;
    }
  }
  const cv::Mat square = noise(15, 15, CV_8UC3);
  EXPECT_EQ(largest_difference(run("rotate", angle(90, false), square), run("rotate", angle(90), square)), 0);
}

// Each pixel of the result, turned back around the middle, between the four pixels there.
cv::Mat turned(const cv::Mat& in, cv::Size size, double degrees, const std::array<double, 4>& fill) {
  const double radians = degrees * std::numbers::pi / 180;
  return picture_of(size, in.type(), [&](int row, int col, int c) {
    const double x = col + 0.5 - size.width / 2.0, y = row + 0.5 - size.height / 2.0;
    const double from_x = x * std::cos(radians) + y * std::sin(radians) + in.cols / 2.0 - 0.5;
    const double from_y = -x * std::sin(radians) + y * std::cos(radians) + in.rows / 2.0 - 0.5;
    double sum = 0;
    for (int j = static_cast<int>(std::floor(from_y)); j <= std::floor(from_y) + 1; ++j) {
      for (int i = static_cast<int>(std::floor(from_x)); i <= std::floor(from_x) + 1; ++i) {
        const double share = (1 - std::abs(from_x - i)) * (1 - std::abs(from_y - j));
        const bool inside = i >= 0 && j >= 0 && i < in.cols && j < in.rows;
        sum += share * (inside ? value_at(in, j, i, c) : fill[c]);
      }
    }
    return sum;
  });
}

TEST(Rotate, ByOtherAnglesInterpolatesBetweenFourPixels) {
  const std::string fill = "#102030";
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC3}) {
    const double unit = CV_MAT_DEPTH(type) == CV_16U ? 257 : 1;
    const double gray = 0.299 * 0x10 + 0.587 * 0x20 + 0.114 * 0x30;
    const std::array<double, 4> color =
        type == CV_8UC1 ? std::array<double, 4>{gray} : std::array<double, 4>{0x30 * unit, 0x20 * unit, 0x10 * unit};
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const double degrees : {30.0, -10.5, 135.0, 271.0}) {
        const double cosine = std::abs(std::cos(degrees * std::numbers::pi / 180));
        const double sine = std::abs(std::sin(degrees * std::numbers::pi / 180));
        const cv::Size grown(static_cast<int>(std::ceil(size.width * cosine + size.height * sine - 1e-6)),
                             static_cast<int>(std::ceil(size.height * cosine + size.width * sine - 1e-6)));
        for (const bool expand : {true, false}) {
          ParamValues params = angle(degrees, expand);
          params["fill"] = fill;
          const cv::Mat out = run("rotate", params, in);
          ASSERT_EQ(out.size(), expand ? grown : size) << degrees;
          EXPECT_LE(largest_difference(out, turned(in, out.size(), degrees, color)), 1) << degrees << size << type;
        }
      }
    }
  }
}

// Rows are computed in blocks, and bytes in another way than the edges around them.
TEST(Rotate, OfWidePicturesIsTheSameInEachBlockAndNumberOfChannels) {
  const std::array<double, 4> black = {0, 0, 0, 255};
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1}) {
    for (const cv::Size size : {cv::Size(600, 40), cv::Size(257, 3), cv::Size(3, 257), cv::Size(4, 4)}) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const double degrees : {0.25, 10.0, 90.0, 179.0}) {
        const cv::Mat out = run("rotate", angle(degrees, false), in);
        std::array<double, 4> fill = black;
        if (CV_MAT_CN(type) < 4) fill[3] = 0;
        EXPECT_LE(largest_difference(out, turned(in, out.size(), degrees, fill)), 1) << degrees << size << type;
      }
    }
  }
}

TEST(Rotate, LeavesAnEvenAreaAsItIs) {
  for (const int value : {0, 1, 127, 254, 255}) {
    const cv::Mat even(60, 60, CV_8UC3, cv::Scalar::all(value));
    EXPECT_EQ(largest_difference(run("rotate", angle(33, false), even)(cv::Rect(20, 20, 20, 20)).clone(),
                                 even(cv::Rect(20, 20, 20, 20)).clone()),
              0)
        << value;
  }
}

// A value that is not finite stays where it is: nothing is interpolated.
TEST(Rotate, HalfATurnCopiesFloatsThoughTheSizeStays) {
  cv::Mat in(5, 8, CV_32FC1, cv::Scalar(0.25));
  in.at<float>(1, 2) = std::numeric_limits<float>::infinity();
  for (const double degrees : {180.0, -180.0, 360.0}) {
    const cv::Mat out = run("rotate", angle(degrees, false), in);
    const bool turned = degrees != 360;
    EXPECT_EQ(out.at<float>(turned ? 3 : 1, turned ? 5 : 2), std::numeric_limits<float>::infinity()) << degrees;
    EXPECT_EQ(count_of(out, 0.25), 5 * 8 - 1) << degrees;
  }
  const cv::Mat square = in.colRange(0, 5).clone();
  EXPECT_EQ(count_of(run("rotate", angle(90, false), square), 0.25), 5 * 5 - 1);
}

// 40,000 x 40,000 pixels are few enough, and their bytes are not.
TEST(Resize, RefusesWhatNoFrameCanHoldByItsBytes) {
  const ParamValues wide = {{"width", std::int64_t{40000}}, {"height", std::int64_t{40000}}, {"keep_aspect", false}};
  EXPECT_NE(error_of("resize", wide, frame_of(noise(4, 4, CV_32FC4))).find("above the 4 GiB"), std::string::npos);
  const ParamValues scale = {{"scale", 64.0}};
  const auto problem_of = [&] { return error_of("resize", scale, frame_of(noise(1200, 1200, CV_8UC1))); };
  EXPECT_NE(
      error_of("resize", {{"width", std::int64_t{65535}}}, frame_of(noise(60, 1, CV_8UC1))).find("65535 x 3932100"),
      std::string::npos)
      << "a side that follows from the other one";
  EXPECT_NE(problem_of().find("76800 x 76800 values of 8U, above the 4 GiB"), std::string::npos) << problem_of();
}

TEST(Rotate, ShowsProgress) {
  KeepingEmitter out;
  ASSERT_TRUE(opened("rotate", angle(30, false))->process(frame_of(noise(600, 4, CV_8UC1)), out).ok());
  EXPECT_GE(out.progress_calls, 3);
}

TEST(Rotate, GoesClockwise) {
  cv::Mat dot(21, 21, CV_8UC1, cv::Scalar(0));
  dot.at<std::uint8_t>(0, 10) = 200;  // twelve o'clock
  const cv::Mat out = run("rotate", angle(45, false), dot);
  double right = 0, left = 0;
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 10; ++x) left += value_at(out, y, x, 0), right += value_at(out, y, 11 + x, 0);
  EXPECT_GT(right, 100);
  EXPECT_EQ(left, 0);
}

TEST(Rotate, KeepsFloatsAndRefusesALongThinPictureThatWouldFillTheMemory) {
  const cv::Mat even(9, 9, CV_32FC1, cv::Scalar(0.25));
  EXPECT_NEAR(run("rotate", angle(30, false), even).at<float>(4, 4), 0.25, 1e-6);
  const std::string error = error_of("rotate", angle(45), frame_of(noise(1, 40000, CV_8UC1)));
  EXPECT_NE(error.find("40000x1x1 8U would become 28285x28285"), std::string::npos) << error;
  EXPECT_NE(error.find("set 'expand' to false"), std::string::npos);
  EXPECT_EQ(run("rotate", angle(45, false), noise(1, 40000, CV_8UC1)).size(), cv::Size(40000, 1));
  expect_views_are_whole_pictures("rotate", angle(33), CV_8UC3);
  expect_views_are_whole_pictures("rotate", angle(90), CV_8UC3);
  EXPECT_NE(problem("rotate", {}).find("'angle'"), std::string::npos);
  EXPECT_NE(problem("rotate", {{"angle", 10.0}, {"fill", std::string("red")}}).find("#rrggbb"), std::string::npos);
}

ParamValues overlay(const std::string& text, const std::string& position = "top_left") {
  return {{"text", text}, {"position", position}};
}

// The rectangle of all pixels that differ.
cv::Rect changed_part(const cv::Mat& before, const cv::Mat& after) {
  int left = before.cols, top = before.rows, right = -1, bottom = -1;
  for (int y = 0; y < before.rows; ++y) {
    for (int x = 0; x < before.cols; ++x) {
      if (value_at(before, y, x, 0) == value_at(after, y, x, 0)) continue;
      left = std::min(left, x), right = std::max(right, x), top = std::min(top, y), bottom = std::max(bottom, y);
    }
  }
  return right < 0 ? cv::Rect() : cv::Rect(left, top, right - left + 1, bottom - top + 1);
}

TEST(OverlayText, StandsInItsCornerAndLeavesTheRestAlone) {
  const cv::Mat gray(200, 300, CV_8UC3, cv::Scalar(90, 100, 110));
  const auto part = [&](const char* position) {
    return changed_part(gray, run("overlay_text", overlay("AB", position), gray));
  };
  const cv::Rect first = part("top_left");
  EXPECT_EQ(first.tl(), cv::Point(0, 0));
  EXPECT_LT(first.width, 80);
  EXPECT_LT(first.height, 50);
  EXPECT_EQ(part("bottom_right").br(), cv::Point(300, 200));
  EXPECT_EQ(part("top_right").tl(), cv::Point(300 - first.width, 0));
  EXPECT_EQ(part("bottom_left").tl(), cv::Point(0, 200 - first.height));
  const cv::Rect center = part("center");
  EXPECT_NEAR(center.x + center.width / 2.0, 150, 1);
  EXPECT_NEAR(center.y + center.height / 2.0, 100, 1);
}

TEST(OverlayText, CapitalLettersHaveTheStatedHeightAndTheColor) {
  const cv::Mat black(200, 300, CV_8UC3, cv::Scalar(0, 0, 0));
  for (const double size : {12.0, 20.0, 60.0}) {
    ParamValues params = overlay("H");
    params["size"] = size, params["background"] = false, params["color"] = std::string("#0a64ff");
    const cv::Mat out = run("overlay_text", params, black);
    EXPECT_NEAR(changed_part(black, out).height, size, 2 + size / 12) << size;
    int inked = 0;
    for (int y = 0; y < out.rows; ++y) {
      for (int x = 0; x < out.cols; ++x) {
        if (value_at(out, y, x, 0) == 0) continue;
        ++inked;
        EXPECT_EQ(out.at<cv::Vec3b>(y, x), cv::Vec3b(255, 100, 10));
      }
    }
    EXPECT_GT(inked, 2 * size);
  }
}

// Two texts give one picture where they are the same after the placeholders are filled in.
TEST(OverlayText, FillsInWhatTheFrameIs) {
  const cv::Mat in = noise(60, 900, CV_8UC1);
  const auto written = [&](const std::string& text) {
    Frame frame = frame_of(in, 42, "front gate");
    KeepingEmitter out;
    EXPECT_TRUE(opened("overlay_text", overlay(text))->process(frame, out));
    return out.only().image.clone();
  };
  const std::pair<const char*, const char*> kTexts[] = {{"{source}", "front gate"},
                                                        {"{session}/{seq:06}", "3/000042"},
                                                        {"{job} {stage}", "street album"},
                                                        {"{date}  {clock}", "2026-11-21  08:00:04.200"},
                                                        {"{source} \xc3\xa4\xe2\x82\xac\n", "front gate ??\\n"},
                                                        {"at {time}", "at 2026-11-21T08:00:04.200000Z"}};
  for (const auto& [text, filled] : kTexts) EXPECT_EQ(largest_difference(written(text), written(filled)), 0) << text;
  EXPECT_GT(largest_difference(written("{seq}"), written("41")), 0);
}

TEST(OverlayText, StandsSmallPicturesLongTextsAndEachDepth) {
  for (const int type : {CV_8UC1, CV_8UC4, CV_16UC1, CV_32FC3}) {
    for (const cv::Size size : kSizes) {
      for (const char* position : {"top_left", "bottom_right", "center"}) {
        ParamValues params = overlay(std::string(900, 'W') + "{source}\n\xc3\xa4", position);
        params["size"] = 1000.0;
        EXPECT_EQ(run("overlay_text", params, noise(size.height, size.width, type)).size(), size);
      }
    }
    cv::Mat black(48, 64, type, cv::Scalar::all(0)), values;
    ParamValues plain = overlay("I", "center");
    plain["background"] = false;
    run("overlay_text", plain, black).reshape(1).convertTo(values, CV_64F);
    const double full = CV_MAT_DEPTH(type) == CV_16U ? 65535 : CV_MAT_DEPTH(type) == CV_32F ? 1 : 255;
    EXPECT_GT(count_of(values, full), 20) << "ink of the depth's full value, type " << type;
    EXPECT_EQ(count_of(values, full) + count_of(values, 0), static_cast<int>(values.total())) << type;
  }
  const cv::Mat white(40, 40, CV_16UC1, cv::Scalar(65535));
  EXPECT_GT(count_of(run("overlay_text", overlay("I"), white), 0), 50) << "a black bar behind white text";
}

TEST(OverlayText, RefusesUnknownPlaceholdersAndColors) {
  EXPECT_NE(problem("overlay_text", overlay("{tiem}")).find("did you mean '{time}'?"), std::string::npos);
  EXPECT_NE(problem("overlay_text", overlay("")).find("empty"), std::string::npos);
  EXPECT_NE(problem("overlay_text", overlay(std::string(1001, 'W'))).find("more than 1000 bytes"), std::string::npos);
  EXPECT_NE(problem("overlay_text", {{"color", std::string("white")}}).find("#rrggbb"), std::string::npos);
  EXPECT_NE(error_of("overlay_text", {}, frame_of(noise(4, 4, CV_8UC2))).find("1, 3, 4 channels"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
