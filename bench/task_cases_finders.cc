// What finds something and leaves the picture as it is.
#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

#include <memory>
#include <opencv2/features2d.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "bench/task_cases.h"

namespace ride::bench {
namespace {

PlainCall people_by_hog() {
  const auto hog = std::make_shared<cv::HOGDescriptor>();
  hog->setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
  return {"cv::HOGDescriptor::detectMultiScale", [hog](const cv::Mat& in, cv::Mat& /*out*/) {
            std::vector<cv::Rect> boxes;
            std::vector<double> scores;
            hog->detectMultiScale(in, boxes, scores, 0, cv::Size(8, 8), cv::Size(0, 0), 1.15, 1);
          }};
}

PlainCall faces_by_cascade() {
  const auto cascade = std::make_shared<cv::CascadeClassifier>();
  return {"cv::CascadeClassifier::detectMultiScale", [cascade](const cv::Mat& in, cv::Mat& /*out*/) {
            if (cascade->empty()) cascade->load("/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml");
            std::vector<cv::Rect> boxes;
            std::vector<int> windows;
            cascade->detectMultiScale(in, boxes, windows, 1.1, 4, 0, cv::Size(30, 30), in.size());
          }};
}

void read_codes(const cv::Mat& in, cv::Mat& /*out*/) {
  const auto hints = ZXing::DecodeHints()
                         .setFormats(ZXing::BarcodeFormat::QRCode)
                         .setMaxNumberOfSymbols(20)
                         .setTryHarder(true)
                         .setTryRotate(true);
  const ZXing::ImageView pixels(in.data, in.cols, in.rows, ZXing::ImageFormat::Lum, static_cast<int>(in.step));
  static_cast<void>(ZXing::ReadBarcodes(pixels, hints));
}

}  // namespace

std::vector<TaskCase> finder_cases() {
  return {
      {.name = "detect_people",
       .task = "detect_people",
       .type = CV_8UC3,
       .plain = {people_by_hog()},
       .most_off = kNotCompared},
      {.name = "detect_faces", .task = "detect_faces", .plain = {faces_by_cascade()}, .most_off = kNotCompared},
      {.name = "qr", .task = "qr", .plain = {{"ZXing::ReadBarcodes", read_codes}}, .most_off = kNotCompared},
      {.name = "features",
       .task = "features",
       .params = {{"output", std::string("data")}},
       .plain = {{"cv::ORB::detect",
                  [](const cv::Mat& in, cv::Mat& /*out*/) {
                    std::vector<cv::KeyPoint> points;
                    cv::ORB::create(500)->detect(in, points);
                  }}},
       .most_off = kNotCompared},
  };
}

}  // namespace ride::bench
