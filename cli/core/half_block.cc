#include "cli/core/half_block.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace ride::cli {
namespace {

struct Colour {
  int red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
  int brightness() const { return (299 * red + 587 * green + 114 * blue) / 1000; }
};

double scale_of(int depth) {
  switch (depth) {
    case CV_16U:
      return 255.0 / 65535.0;
    case CV_32F:
    case CV_64F:
      return 255.0;
    default:
      return 1.0;
  }
}

// Mean of a block. Of a large one every k-th pixel is looked at: the eye sees no difference, and 621 MB would take
// seconds.
Colour mean_of(const cv::Mat& image, const cv::Rect& block) {
  constexpr int kMostSteps = 16;
  const int step_y = std::max(1, block.height / kMostSteps), step_x = std::max(1, block.width / kMostSteps);
  std::array<double, 4> sum{};
  int count = 0;
  const int channels = image.channels();
  for (int y = block.y; y < block.y + block.height; y += step_y) {
    for (int x = block.x; x < block.x + block.width; x += step_x) {
      for (int c = 0; c < std::min(channels, 3); ++c) {
        switch (image.depth()) {
          case CV_8U:
            sum[c] += image.ptr<std::uint8_t>(y)[x * channels + c];
            break;
          case CV_16U:
            sum[c] += image.ptr<std::uint16_t>(y)[x * channels + c];
            break;
          case CV_32F:
            sum[c] += image.ptr<float>(y)[x * channels + c];
            break;
          default:
            break;
        }
      }
      ++count;
    }
  }
  const double factor = scale_of(image.depth()) / std::max(1, count);
  const auto value = [&](int c) { return std::clamp(static_cast<int>(std::lround(sum[c] * factor)), 0, 255); };
  if (channels < 3) return {value(0), value(0), value(0)};
  return {value(2), value(1), value(0)};
}

// Pixels of the text: columns x rows, where a coloured character holds two rows.
struct Grid {
  int columns = 0, rows = 0;
  std::vector<Colour> pixels;
  const Colour& at(int row, int column) const { return pixels[static_cast<std::size_t>(row) * columns + column]; }
};

Grid sample(const cv::Mat& image, int columns, int rows) {
  Grid grid{columns, rows, {}};
  grid.pixels.reserve(static_cast<std::size_t>(columns) * rows);
  const auto edge = [](int index, int count, int length) {
    return static_cast<int>(static_cast<std::int64_t>(index) * length / count);
  };
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const int x = edge(column, columns, image.cols), y = edge(row, rows, image.rows);
      const int width = std::max(1, edge(column + 1, columns, image.cols) - x),
                height = std::max(1, edge(row + 1, rows, image.rows) - y);
      grid.pixels.push_back(mean_of(image, {x, y, width, height}));
    }
  }
  return grid;
}

std::string colour_code(int plane, const Colour& colour) {
  return fmt::format("\x1b[{};2;{};{};{}m", plane, colour.red, colour.green, colour.blue);
}

std::string coloured(const Grid& grid) {
  std::string text;
  for (int row = 0; row < grid.rows; row += 2) {
    std::string above, below;
    for (int column = 0; column < grid.columns; ++column) {
      const bool alone = row + 1 == grid.rows;
      std::string upper = colour_code(38, grid.at(row, column));
      std::string lower = alone ? std::string("\x1b[49m") : colour_code(48, grid.at(row + 1, column));
      if (upper != above) text += above = std::move(upper);  // only what changes: a tenth of the bytes
      if (lower != below) text += below = std::move(lower);
      text += "▀";
    }
    text += "\x1b[0m\n";
  }
  return text;
}

std::string in_characters(const Grid& grid) {
  constexpr std::string_view kRamp = " .:-=+*#%@";
  std::string text;
  for (int row = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column)
      text += kRamp[static_cast<std::size_t>(grid.at(row, column).brightness()) * kRamp.size() / 256];
    text += "\n";
  }
  return text;
}

}  // namespace

std::string picture_text(const cv::Mat& image, const PictureSize& size) {
  if (image.empty() || size.columns <= 0 || size.lines <= 0) return {};
  // A character is about twice as high as wide, so two stacked pixels of a coloured one are square.
  const double factor = std::min({1.0, static_cast<double>(size.columns) / image.cols, 2.0 * size.lines / image.rows});
  const int columns = std::max(1, static_cast<int>(image.cols * factor));
  const int rows = std::max(1, static_cast<int>(image.rows * factor));
  if (size.colour) return coloured(sample(image, columns, rows));
  return in_characters(sample(image, columns, std::max(1, rows / 2)));
}

}  // namespace ride::cli
