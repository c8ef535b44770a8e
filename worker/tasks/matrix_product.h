// Products of planes of pictures, or of matrices of floats, in tiles: beside the result, each thread needs 21 MB,
// whatever the sizes. Float32; each sum is built from parts of 2,048 terms, so that its error is at most about
// (2048 + terms / 2048) * 2^-24 of the sum of the terms' sizes, mostly far less. Threads: as asked for, by OpenCV's
// pool. Internal to this folder.
#pragma once

#include <functional>
#include <opencv2/core/mat.hpp>

#include "worker/tasks/planes.h"

namespace ride::tasks {

// Rows and columns of a tile of the result, and terms that are summed at once.
struct ProductTiles {
  int side = 1024;
  int terms = 2048;
};

struct ProductWork {
  int threads = 1;
  ProductTiles tiles;
  std::function<void()> progress = [] {};  // on the caller's thread, at least for every 4.3e9 flop of a thread
};

// The channel `channel` of `product`, 32F, becomes left right, or left rightᵗ, whose shapes fit. Where both are the
// same plane and it is the transpose, half of the tiles are computed and mirrored.
void multiply(const Plane& left, const Plane& right, bool right_transposed, cv::Mat& product, int channel,
              const ProductWork& work);

}  // namespace ride::tasks
