#include "worker/tasks/matrix_product.h"

#include <opencv2/core.hpp>
#include <vector>

#include "worker/tasks/blas.h"

namespace ride::tasks {
namespace {

// One tile at a time on one thread, with the memory that it takes.
struct ProductTile {
  cv::Rect place;
  cv::Mat sum, left, right;
};

struct Product {
  const Plane &left, &right;
  bool right_transposed = false;
  bool mirrored = false;

  // The terms from..to of each sum of the tile.
  void add_terms(ProductTile& tile, int from, int to) const {
    const cv::Rect place = tile.place;
    read_plane(left, {from, place.y, to - from, place.height}, tile.left);
    if (mirrored && place.x == place.y) return add_product(tile.left, tile.left, true, tile.sum);
    read_plane(right,
               right_transposed ? cv::Rect(from, place.x, to - from, place.width)
                                : cv::Rect(place.x, from, place.width, to - from),
               tile.right);
    add_product(tile.left, tile.right, right_transposed, tile.sum);
  }

  void store(const ProductTile& tile, cv::Mat& product, int channel) const {
    const cv::Rect place = tile.place;
    write_plane(tile.sum, product, place, channel);
    if (!mirrored || place.x == place.y) return;
    write_plane(tile.sum.t(), product, {place.y, place.x, place.height, place.width}, channel);
  }
};

std::vector<cv::Rect> tiles_of(const cv::Mat& product, int side, bool lower_half) {
  std::vector<cv::Rect> tiles;
  for (int y = 0; y < product.rows; y += side) {
    for (int x = 0; x < (lower_half ? y + 1 : product.cols); x += side)
      tiles.push_back({x, y, std::min(side, product.cols - x), std::min(side, product.rows - y)});
  }
  return tiles;
}

}  // namespace

void multiply(const Plane& left, const Plane& right, bool right_transposed, cv::Mat& product, int channel,
              const ProductWork& work) {
  const bool mirrored = right_transposed && left.image == right.image && left.index == right.index;
  const Product one{left, right, right_transposed, mirrored};
  const int terms = left.image->cols, threads = std::max(1, work.threads);
  const auto places = tiles_of(product, work.tiles.side, mirrored);
  std::vector<ProductTile> tiles(std::min(places.size(), static_cast<std::size_t>(threads)));
  // Not a tile to each thread: progress after every part of the sums.
  for (std::size_t first = 0; first < places.size(); first += tiles.size()) {
    const int count = static_cast<int>(std::min(tiles.size(), places.size() - first));
    for (int i = 0; i < count; ++i) {
      tiles[i].place = places[first + i];
      tiles[i].sum.create(tiles[i].place.size(), CV_32FC1);
      tiles[i].sum.setTo(0);
    }
    for (int from = 0; from < terms; from += work.tiles.terms) {
      const int to = std::min(terms, from + work.tiles.terms);
      in_batches(
          count, threads, [&](int i) { one.add_terms(tiles[i], from, to); }, work.progress);
    }
    for (int i = 0; i < count; ++i) one.store(tiles[i], product, channel);
  }
}

}  // namespace ride::tasks
