#include "worker/tasks/picture_format.h"

#include <algorithm>
#include <array>
#include <opencv2/imgcodecs.hpp>
#include <string>

namespace ride::tasks {
namespace {

constexpr int kTiffLzw = 5;  // the number that the TIFF 6.0 specification gives it

constexpr int kBytes[] = {CV_8U}, kBytesAndWords[] = {CV_8U, CV_16U}, kAllDepths[] = {CV_8U, CV_16U, CV_32F};
constexpr int kGray[] = {1}, kColor[] = {3}, kGrayAndColor[] = {1, 3}, kAndAlpha[] = {1, 3, 4};
constexpr std::array<PictureFormat, 9> kFormats = {{{"jpg", kBytes, kGrayAndColor},
                                                    {"png", kBytesAndWords, kAndAlpha},
                                                    {"tif", kAllDepths, kGrayAndColor},
                                                    {"tiff", kAllDepths, kGrayAndColor},
                                                    {"bmp", kBytes, kGrayAndColor},
                                                    {"webp", kBytes, kGrayAndColor},
                                                    {"pgm", kBytesAndWords, kGray},
                                                    {"ppm", kBytesAndWords, kColor},
                                                    {"pnm", kBytesAndWords, kGrayAndColor}}};

bool holds_one(std::span<const int> all, int one) { return std::find(all.begin(), all.end(), one) != all.end(); }

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
