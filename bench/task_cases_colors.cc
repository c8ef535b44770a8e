// What changes values and colors.
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "bench/task_cases.h"

namespace ride::bench {
namespace {

PlainCall adjusted_by_table() {
  cv::Mat table(1, 256, CV_8U);
  for (int value = 0; value < 256; ++value) {
    const double straight = 1.2 * (value / 255.0 - 0.5) + 0.5 + 0.1;
    table.at<std::uint8_t>(value) =
        cv::saturate_cast<std::uint8_t>(255 * std::pow(std::min(1.0, std::max(0.0, straight)), 1 / 1.5));
  }
  return {"cv::LUT", [table](const cv::Mat& in, cv::Mat& out) { cv::LUT(in, table, out); }};
}

// Hue plus 30 degrees, saturation times 0.8. HSV_FULL has hues of 0 to 255, which turn by themselves.
void turn_in_bytes(const cv::Mat& in, cv::Mat& out) {
  cv::Mat hsv, table(1, 256, CV_8UC3);
  for (int value = 0; value < 256; ++value) {
    table.at<cv::Vec3b>(value) = {static_cast<std::uint8_t>((value + cvRound(30 * 256 / 360.0)) % 256),
                                  static_cast<std::uint8_t>(cvRound(value * 0.8)), static_cast<std::uint8_t>(value)};
  }
  cv::cvtColor(in, hsv, cv::COLOR_BGR2HSV_FULL);
  cv::LUT(hsv, table, hsv);
  cv::cvtColor(hsv, out, cv::COLOR_HSV2BGR_FULL);
}

void turn_in_floats(const cv::Mat& in, cv::Mat& out) {
  cv::Mat wide, hsv;
  in.convertTo(wide, CV_32F, 1 / 255.0);
  cv::cvtColor(wide, hsv, cv::COLOR_BGR2HSV);
  cv::add(hsv, cv::Scalar(30, 0, 0), hsv);
  cv::multiply(hsv, cv::Scalar(1, 0.8, 1), hsv);
  cv::cvtColor(hsv, wide, cv::COLOR_HSV2BGR);
  wide.convertTo(out, CV_8U, 255);
}

cv::Scalar gray_world_gains(const cv::Mat& in) {
  const cv::Scalar mean = cv::mean(in);
  const double gray = (mean[0] + mean[1] + mean[2]) / 3;
  return {gray / mean[0], gray / mean[1], gray / mean[2]};
}

void balance_by_product(const cv::Mat& in, cv::Mat& out) { cv::multiply(in, gray_world_gains(in), out); }

void balance_by_table(const cv::Mat& in, cv::Mat& out) {
  const cv::Scalar gains = gray_world_gains(in);
  cv::Mat table(1, 256, CV_8UC3);
  for (int value = 0; value < 256; ++value)
    for (int c = 0; c < 3; ++c) table.at<cv::Vec3b>(value)[c] = cv::saturate_cast<std::uint8_t>(gains[c] * value);
  cv::LUT(in, table, out);
}

// With the brightness as Y of YCrCb.
template <class Change>
PlainCall of_brightness(const std::string& what, Change change) {
  return {"cv::cvtColor to YCrCb and back, " + what, [=](const cv::Mat& in, cv::Mat& out) {
            cv::Mat converted, brightness;
            cv::cvtColor(in, converted, cv::COLOR_BGR2YCrCb);
            cv::extractChannel(converted, brightness, 0);
            change(brightness);
            cv::insertChannel(brightness, converted, 0);
            cv::cvtColor(converted, out, cv::COLOR_YCrCb2BGR);
          }};
}

void spread_in_tiles(const cv::Mat& in, cv::Mat& out) { cv::createCLAHE(2, cv::Size(8, 8))->apply(in, out); }

}  // namespace

std::vector<TaskCase> color_cases() {
  return {
      {.name = "adjust",
       .task = "adjust",
       .params = {{"brightness", 0.1}, {"contrast", 1.2}, {"gamma", 1.5}},
       .type = CV_8UC3,
       .plain = {adjusted_by_table()},
       .most_off = 1},
      {.name = "grayscale",
       .task = "grayscale",
       .type = CV_8UC3,
       .plain = {{"cv::cvtColor", [](const cv::Mat& in, cv::Mat& out) { cv::cvtColor(in, out, cv::COLOR_BGR2GRAY); }}}},
      {.name = "convert_color",
       .task = "convert_color",
       .params = {{"to", std::string("lab")}},
       .type = CV_8UC3,
       .plain = {{"cv::cvtColor", [](const cv::Mat& in, cv::Mat& out) { cv::cvtColor(in, out, cv::COLOR_BGR2Lab); }}}},
      {.name = "hue_saturation",
       .task = "hue_saturation",
       .params = {{"hue", 30.0}, {"saturation", 0.8}},
       .type = CV_8UC3,
       .plain = {{"cv::cvtColor to HSV and back on 8U", turn_in_bytes},
                 {"cv::cvtColor to HSV and back on 32F", turn_in_floats}},
       .most_off = 1},
      {.name = "white_balance",
       .task = "white_balance",
       .type = CV_8UC3,
       .plain = {{"cv::mean and cv::multiply", balance_by_product}, {"cv::mean and cv::LUT", balance_by_table}},
       .most_off = 1},
      {.name = "equalize",
       .task = "equalize",
       .plain = {{"cv::equalizeHist", [](const cv::Mat& in, cv::Mat& out) { cv::equalizeHist(in, out); }}},
       .most_off = 1},
      {.name = "equalize_color",
       .task = "equalize",
       .type = CV_8UC3,
       .plain = {of_brightness("cv::equalizeHist", [](cv::Mat& gray) { cv::equalizeHist(gray, gray); })},
       .most_off = 6},  // 8-bit YCrCb
      {.name = "clahe", .task = "clahe", .plain = {{"cv::CLAHE", spread_in_tiles}}},
      {.name = "clahe_color",
       .task = "clahe",
       .type = CV_8UC3,
       .plain = {of_brightness("cv::CLAHE", [](cv::Mat& gray) { spread_in_tiles(gray, gray); })},
       .most_off = 3},
  };
}

}  // namespace ride::bench
