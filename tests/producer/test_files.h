// A folder of its own for each test, and pictures to put into it. Removed when the test ends.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace ride::producer {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ride-producer-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  std::string write(const std::string& name, const std::vector<std::uint8_t>& bytes) const {
    const std::string file = *this / name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file;
  }
  std::string write(const std::string& name, const std::string& text) const {
    return write(name, std::vector<std::uint8_t>(text.begin(), text.end()));
  }

 private:
  std::string path_;
};

// Enough detail that every part of the file carries data.
inline cv::Mat test_picture(int rows, int cols, int type = CV_8UC3, int seed = 1) {
  cv::Mat image(rows, cols, type);
  cv::RNG random(static_cast<std::uint64_t>(seed));
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  cv::circle(image, {cols / 2, rows / 2}, rows / 3, cv::Scalar::all(200), cv::FILLED);
  return image;
}

inline std::vector<std::uint8_t> encoded(const cv::Mat& image, const std::string& ending, std::vector<int> flags = {}) {
  std::vector<std::uint8_t> bytes;
  cv::imencode(ending, image, bytes, flags);
  return bytes;
}

inline std::vector<std::uint8_t> first(std::vector<std::uint8_t> bytes, std::size_t count) {
  bytes.resize(count);
  return bytes;
}

}  // namespace ride::producer
