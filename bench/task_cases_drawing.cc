// What draws on a picture, covers parts of it, or compares it with the one before.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "bench/task_cases.h"
#include "common/check.h"

namespace ride::bench {
namespace {

// Two boxes of a fifth of the side; blocks of 6 x 6 divide them where the side is a multiple of 30.
cv::Rect box_at(int side, int i) { return {side / 10 + i * side / 2, side / 5, side / 5, side / 5}; }

std::string two_boxes(int side) {
  const cv::Rect a = box_at(side, 0), b = box_at(side, 1);
  const char* one = R"({{"label":"face","score":1,"box":[{},{},{},{}]}})";
  return fmt::format("[{},{}]", fmt::format(fmt::runtime(one), a.x, a.y, a.width, a.height),
                     fmt::format(fmt::runtime(one), b.x, b.y, b.width, b.height));
}

void soften_boxes(const cv::Mat& in, cv::Mat& out) {
  in.copyTo(out);
  for (int i = 0; i < 2; ++i) {
    cv::Mat region = out(box_at(in.cols, i)), small;
    cv::resize(region, small, cv::Size(6, 6), 0, 0, cv::INTER_AREA);
    cv::resize(small, region, region.size(), 0, 0, cv::INTER_LINEAR);
  }
}

void draw_boxes(const cv::Mat& in, cv::Mat& out) {
  in.copyTo(out);
  for (int i = 0; i < 2; ++i) cv::rectangle(out, box_at(in.cols, i), cv::Scalar(0, 255, 0), 2, cv::LINE_8);
}

void write_a_line(const cv::Mat& in, cv::Mat& out) {
  in.copyTo(out);
  int below = 0;
  const cv::Size size = cv::getTextSize("RIDE", cv::FONT_HERSHEY_SIMPLEX, 20 / 21.0, 2, &below);
  cv::rectangle(out, cv::Rect(0, 0, size.width + 10, size.height + below + 10), cv::Scalar::all(0), cv::FILLED);
  cv::putText(out, "RIDE", {5, 5 + size.height}, cv::FONT_HERSHEY_SIMPLEX, 20 / 21.0, cv::Scalar::all(255), 2,
              cv::LINE_8);
}

// A picture with alpha in a file of its own, which goes with the process.
class LogoFile {
 public:
  LogoFile() {
    std::string name = (std::filesystem::temp_directory_path() / "ride-bench-XXXXXX.png").string();
    const int file = ::mkstemps(name.data(), 4);
    RIDE_CHECK(file >= 0, "no file can be made in the folder for temporary files");
    ::close(file);
    path_ = name;
    logo_ = sample_picture(200, CV_8UC4);
    cv::Mat alpha(logo_.size(), CV_8UC1, cv::Scalar(0));
    cv::circle(alpha, {100, 100}, 90, cv::Scalar(180), cv::FILLED);
    cv::insertChannel(alpha, logo_, 3);
    cv::imwrite(path_, logo_);
  }
  ~LogoFile() { std::filesystem::remove(path_, ignored_); }
  LogoFile(const LogoFile&) = delete;
  LogoFile& operator=(const LogoFile&) = delete;
  const std::string& path() const { return path_; }
  const cv::Mat& picture() const { return logo_; }

 private:
  std::string path_;
  cv::Mat logo_;
  std::error_code ignored_;
};

const LogoFile& logo() {
  static const LogoFile kLogo;
  return kLogo;
}

PlainCall logo_by_products() {
  cv::Mat wide, alpha, shares, light;
  logo().picture().convertTo(wide, CV_32F);
  cv::extractChannel(wide, alpha, 3);
  cv::cvtColor(wide, light, cv::COLOR_BGRA2BGR);
  cv::cvtColor(alpha / 255, shares, cv::COLOR_GRAY2BGR);
  cv::multiply(light, shares, light);
  const cv::Mat left = cv::Scalar::all(1) - shares;
  return {"cv::multiply and cv::add on 32F, on a copy", [light, left](const cv::Mat& in, cv::Mat& out) {
            in.copyTo(out);
            cv::Mat region = out(cv::Rect(in.cols - light.cols, in.rows - light.rows, light.cols, light.rows)), values;
            region.convertTo(values, CV_32F);
            cv::multiply(values, left, values);
            cv::add(values, light, values);
            values.convertTo(region, CV_8U);
          }};
}

PlainCall changed_pixels() {
  const auto before = std::make_shared<cv::Mat>();
  return {"cv::cvtColor, cv::absdiff, cv::threshold, cv::countNonZero", [before](const cv::Mat& in, cv::Mat& out) {
            cv::Mat gray, difference;
            cv::cvtColor(in, gray, cv::COLOR_BGR2GRAY);
            if (before->size() != gray.size()) gray.copyTo(*before);
            cv::absdiff(gray, *before, difference);
            cv::threshold(difference, out, 25, 255, cv::THRESH_BINARY);
            static_cast<void>(cv::countNonZero(out));
            *before = gray;
          }};
}

}  // namespace

std::vector<TaskCase> drawing_cases() {
  return {
      {.name = "blur_faces",
       .task = "blur_faces",
       .params = {{"margin", 0.0}},
       .type = CV_8UC3,
       .plain = {{"cv::resize to blocks and back", soften_boxes}},
       .most_off = 2,  // the means are rounded between
       .detections = two_boxes},
      {.name = "draw_detections",
       .task = "draw_detections",
       .params = {{"label", false}},
       .type = CV_8UC3,
       .plain = {{"cv::rectangle on a copy", draw_boxes}},
       .detections = two_boxes},
      {.name = "overlay_text",
       .task = "overlay_text",
       .params = {{"text", std::string("RIDE")}},
       .type = CV_8UC3,
       .plain = {{"cv::putText on a copy", write_a_line}}},
      {.name = "overlay_picture",
       .task = "overlay_picture",
       .params = {{"file", logo().path()}},
       .type = CV_8UC3,
       .plain = {logo_by_products()},
       .most_off = 1},
      {.name = "motion",
       .task = "motion",
       .params = {{"emit", std::string("mask")}},
       .type = CV_8UC3,
       .plain = {changed_pixels()}},
  };
}

}  // namespace ride::bench
