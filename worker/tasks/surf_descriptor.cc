// SURF: the angle and the descriptor of a point.
#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "worker/tasks/surf_kernel.h"

namespace ride::tasks {
namespace {

constexpr double kAngleSigma = 2.5, kDescriptorSigma = 5;  // of the weights, in s
constexpr int kDiskRadius = 6;                             // in s
constexpr int kBins = 72, kWindowBins = 12;                // 5 degrees each, 60 degrees
constexpr int kSide = 20, kCells = 4, kCellSide = kSide / kCells;
constexpr std::size_t kPatchValues = std::size_t{kSide} * kSide;

// The unit of everything about a point: the sigma of the Gaussian that its filter stands for.
double scale_of(const SurfPoint& point) { return point.size * 1.2 / 9; }

struct Wavelet {
  float dx = 0, dy = 0;
};

// Right half minus left half, lower half minus upper half, of the square of 2 * half pixels around the corner of pixels
// (x, y).
inline Wavelet wavelet(const BoxSums& sums, int x, int y, int half) {
  const std::uint32_t *top = sums.above(y - half), *middle = sums.above(y), *bottom = sums.above(y + half);
  const int left = x - half, right = x + half;
  const std::uint32_t dx = bottom[right] - top[right] - 2 * (bottom[x] - top[x]) + bottom[left] - top[left];
  const std::uint32_t dy = bottom[right] - bottom[left] - 2 * (middle[right] - middle[left]) + top[right] - top[left];
  return {static_cast<float>(static_cast<std::int32_t>(dx)), static_cast<float>(static_cast<std::int32_t>(dy))};
}

inline int nearest_edge(double position) { return static_cast<int>(std::floor(position + 0.5)); }

// Wavelets of one size around a point, without response where they do not lie in the picture.
class Wavelets {
 public:
  Wavelets(const BoxSums& sums, const SurfPoint& point, double half)
      : sums_(sums), x_(point.x + 0.5), y_(point.y + 0.5), half_(std::max(1, nearest_edge(half))) {}

  Wavelet at(double across, double down) const {
    const int x = nearest_edge(x_ + across), y = nearest_edge(y_ + down);
    if (x < half_ || y < half_ || x + half_ > sums_.cols() || y + half_ > sums_.rows()) return {};
    return wavelet(sums_, x, y, half_);
  }

 private:
  const BoxSums& sums_;
  const double x_, y_;  // in edges of pixels
  const int half_;
};

struct DiskPoint {
  int x, y;
  float weight;
};

const std::vector<DiskPoint>& disk() {
  static const std::vector<DiskPoint> kDisk = [] {
    std::vector<DiskPoint> points;
    for (int y = -kDiskRadius; y <= kDiskRadius; ++y) {
      for (int x = -kDiskRadius; x <= kDiskRadius; ++x) {
        const int square = x * x + y * y;
        if (square > kDiskRadius * kDiskRadius) continue;
        points.push_back({x, y, static_cast<float>(std::exp(-square / (2 * kAngleSigma * kAngleSigma)))});
      }
    }
    return points;
  }();
  return kDisk;
}

double angle_of(const BoxSums& sums, const SurfPoint& point) {
  const double s = scale_of(point);
  const Wavelets wavelets(sums, point, 2 * s);
  std::array<Wavelet, kBins> bins{};
  for (const DiskPoint& p : disk()) {
    Wavelet w = wavelets.at(p.x * s, p.y * s);
    w.dx *= p.weight, w.dy *= p.weight;
    const int bin = static_cast<int>(cv::fastAtan2(w.dy, w.dx) * (kBins / 360.0f)) % kBins;
    bins[bin].dx += w.dx, bins[bin].dy += w.dy;
  }
  Wavelet best;
  float longest = -1;
  for (int first = 0; first < kBins; ++first) {
    Wavelet sum;
    for (int i = 0; i < kWindowBins; ++i) {
      const Wavelet& w = bins[(first + i) % kBins];
      sum.dx += w.dx, sum.dy += w.dy;
    }
    const float length = sum.dx * sum.dx + sum.dy * sum.dy;
    if (length > longest) longest = length, best = sum;
  }
  return cv::fastAtan2(best.dy, best.dx);
}

const std::array<float, kPatchValues>& square_weights() {
  static const auto kWeights = [] {
    std::array<float, kPatchValues> weights;
    for (int j = 0; j < kSide; ++j) {
      for (int i = 0; i < kSide; ++i) {
        const double x = i - (kSide - 1) / 2.0, y = j - (kSide - 1) / 2.0;
        weights[j * kSide + i] =
            static_cast<float>(std::exp(-(x * x + y * y) / (2 * kDescriptorSigma * kDescriptorSigma)));
      }
    }
    return weights;
  }();
  return kWeights;
}

void normalise(std::array<float, 64>& values) {
  double square = 0;
  for (const float v : values) square += static_cast<double>(v) * v;
  if (square == 0) return;
  const auto factor = static_cast<float>(1 / std::sqrt(square));
  for (float& v : values) v *= factor;
}

// Means of squares of one size whose corners may lie between pixels: those of the four nearest places, weighed
// (bilinear). A place beyond the picture is moved to its side.
class Squares {
 public:
  Squares(const BoxSums& sums, double side)
      : sums_(sums),
        side_(std::max(1, nearest_edge(side))),
        most_left_(sums.cols() - side_ - 1),
        most_top_(sums.rows() - side_ - 1),
        share_(1.0f / static_cast<float>(side_ * side_)) {}

  float mean_around(double x, double y) const {  // in edges of pixels
    const double left = std::clamp(x - side_ / 2.0, 0.0, most_left_), top = std::clamp(y - side_ / 2.0, 0.0, most_top_);
    const int column = static_cast<int>(left), row = static_cast<int>(top);
    const auto across = static_cast<float>(left - column), down = static_cast<float>(top - row);
    const float high = between(row, column, across), low = between(row + 1, column, across);
    return (high + down * (low - high)) * share_;
  }

 private:
  float between(int row, int column, float across) const {
    const std::uint32_t *top = sums_.above(row) + column, *bottom = sums_.above(row + side_) + column;
    const auto sum = [&](int i) {
      return static_cast<float>(static_cast<std::int32_t>(bottom[i + side_] - bottom[i] - top[i + side_] + top[i]));
    };
    const float here = sum(0);
    return here + across * (sum(1) - here);
  }

  const BoxSums& sums_;
  const int side_;
  const double most_left_, most_top_;
  const float share_;
};

using Patch = std::array<std::array<float, kSide + 1>, kSide + 1>;

Patch patch_of(const BoxSums& sums, const SurfPoint& point) {
  const double s = scale_of(point), angle = point.angle * CV_PI / 180;
  const double c = std::cos(angle) * s, si = std::sin(angle) * s;
  const Squares squares(sums, s);
  Patch patch;
  for (int j = 0; j <= kSide; ++j) {
    const double down = j - kSide / 2.0;
    for (int i = 0; i <= kSide; ++i) {
      const double across = i - kSide / 2.0;
      patch[j][i] = squares.mean_around(point.x + 0.5 + c * across - si * down, point.y + 0.5 + si * across + c * down);
    }
  }
  return patch;
}

std::array<float, 64> descriptor_of(const BoxSums& sums, const SurfPoint& point) {
  const Patch patch = patch_of(sums, point);
  const auto& weights = square_weights();
  std::array<float, 64> result{};
  for (int j = 0; j < kSide; ++j) {
    for (int i = 0; i < kSide; ++i) {
      const float falling = patch[j + 1][i + 1] - patch[j][i], rising = patch[j][i + 1] - patch[j + 1][i];
      const float weight = weights[j * kSide + i];
      const float dx = weight * (falling + rising), dy = weight * (falling - rising);
      const int cell_index = j / kCellSide * kCells + i / kCellSide;
      float* cell = &result[std::size_t{4} * static_cast<std::size_t>(cell_index)];
      cell[0] += dx, cell[1] += dy, cell[2] += std::abs(dx), cell[3] += std::abs(dy);
    }
  }
  normalise(result);
  return result;
}

}  // namespace

void describe_surf_points(const BoxSums& sums, bool upright, std::span<SurfPoint> points, int threads) {
  cv::parallel_for_(
      cv::Range(0, static_cast<int>(points.size())),
      [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
          SurfPoint& point = points[static_cast<std::size_t>(i)];
          point.angle = upright ? 0 : angle_of(sums, point);
          point.descriptor = descriptor_of(sums, point);
        }
      },
      std::max(1, threads));
}

}  // namespace ride::tasks
