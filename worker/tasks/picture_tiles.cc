#include "worker/tasks/picture_tiles.h"

#include <algorithm>
#include <cstdint>

#include "common/check.h"

namespace ride::tasks {
namespace {

constexpr int kAlignment = 64;

// Where cores begin and end.
std::vector<int> edges(int length, int side, int halo) {
  if (length <= side) return {0, length};
  const int longest = side - 2 * halo - kAlignment;  // an edge is moved by less than the alignment
  const int cores = (length + longest - 1) / longest;
  std::vector<int> found;
  for (int i = 0; i < cores; ++i) {
    const auto edge = static_cast<int>(static_cast<std::int64_t>(length) * i / cores);
    found.push_back(edge / kAlignment * kAlignment);
  }
  found.push_back(length);
  return found;
}

}  // namespace

std::vector<Tile> tiles_of(cv::Size picture, int side, int halo) {
  RIDE_CHECK(halo >= 0 && halo % kAlignment == 0 && side >= 2 * halo + 3 * kAlignment, "tiles smaller than their halo");
  const std::vector<int> xs = edges(picture.width, side, halo), ys = edges(picture.height, side, halo);
  std::vector<Tile> tiles;
  for (std::size_t j = 0; j + 1 < ys.size(); ++j) {
    for (std::size_t i = 0; i + 1 < xs.size(); ++i) {
      const cv::Rect core(xs[i], ys[j], xs[i + 1] - xs[i], ys[j + 1] - ys[j]);
      const cv::Rect wide(core.x - halo, core.y - halo, core.width + 2 * halo, core.height + 2 * halo);
      tiles.push_back({core, wide & cv::Rect(cv::Point(0, 0), picture)});
    }
  }
  return tiles;
}

}  // namespace ride::tasks
