// NumPy files for the tests, written after their specification (numpy.lib.format).
#pragma once

#include <cstdint>
#include <fstream>
#include <opencv2/core/mat.hpp>
#include <string>

namespace ride::tasks {

// Magic, version, length and the dictionary, filled up with spaces to a multiple of 64.
inline std::string npy_head(const std::string& dictionary, int version = 1) {
  const std::size_t before = version == 1 ? 10 : 12;
  std::string text = dictionary;
  while ((before + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string head = "\x93NUMPY";
  head += static_cast<char>(version);
  head += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) head += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return head + text;
}

inline std::string npy_dictionary(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// `matrix`: 32F; as '<f4', or '<f8' where `wide`.
inline void write_npy(const std::string& path, const cv::Mat& matrix, bool wide) {
  cv::Mat values;
  matrix.convertTo(values, wide ? CV_64F : CV_32F);
  const std::string shape = "(" + std::to_string(matrix.rows) + ", " + std::to_string(matrix.cols) + ")";
  write_text(path, npy_head(npy_dictionary(wide ? "<f8" : "<f4", shape)) +
                       std::string(reinterpret_cast<const char*>(values.data), values.total() * values.elemSize()));
}

}  // namespace ride::tasks
