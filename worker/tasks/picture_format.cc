#include "worker/tasks/picture_format.h"

#include <algorithm>
#include <array>
#include <opencv2/imgcodecs.hpp>
#include <string>

namespace ride::tasks {
namespace {

constexpr int kTiffLzw = 5;  // the number that the TIFF 6.0 specification gives it

constexpr std::array kFormats = {PictureFormat{"jpg"},
                                 PictureFormat{"png", {CV_8U, CV_16U}, {1, 3, 4}},
                                 PictureFormat{"tif", {CV_8U, CV_16U, CV_32F}},
                                 PictureFormat{"tiff", {CV_8U, CV_16U, CV_32F}},
                                 PictureFormat{"bmp"},
                                 PictureFormat{"webp"},
                                 PictureFormat{"pgm", {CV_8U, CV_16U}, {1}},
                                 PictureFormat{"ppm", {CV_8U, CV_16U}, {3}},
                                 PictureFormat{"pnm", {CV_8U, CV_16U}}};

bool holds_one(const std::array<int, 3>& all, int one) { return std::find(all.begin(), all.end(), one) != all.end(); }

}  // namespace

bool PictureFormat::holds(const cv::Mat& picture) const {
  return !picture.empty() && picture.dims == 2 && holds_one(depths, picture.depth()) &&
         holds_one(channels, picture.channels());
}

std::span<const PictureFormat> picture_formats() { return kFormats; }

const PictureFormat* picture_format(std::string_view extension) {
  if (extension == "jpeg" || extension == "jpe") extension = "jpg";
  if (extension == "dib") extension = "bmp";
  const auto* const found = std::find_if(kFormats.begin(), kFormats.end(),
                                         [&](const PictureFormat& format) { return format.name == extension; });
  return found == kFormats.end() ? nullptr : found;
}

std::vector<std::uint8_t> encode_picture(const cv::Mat& picture, const PictureFormat& format, int quality) {
  std::vector<int> options;
  if (format.name == "jpg") options = {cv::IMWRITE_JPEG_QUALITY, quality};
  // OpenCV's own choice for floats of three channels is a lossy one.
  if (format.name.starts_with("tif")) options = {cv::IMWRITE_TIFF_COMPRESSION, kTiffLzw};
  if (format.name == "webp") options = {cv::IMWRITE_WEBP_QUALITY, quality};
  std::vector<std::uint8_t> bytes;
  if (!cv::imencode("." + std::string(format.name), picture, bytes, options)) bytes.clear();
  return bytes;
}

}  // namespace ride::tasks
