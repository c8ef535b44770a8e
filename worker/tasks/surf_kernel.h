// SURF, the computing part (Bay, Ess, Tuytelaars, Van Gool, "Speeded-up robust features (SURF)", CVIU 110, 2008).
// Method under US patent 8,165,401, which runs to 2029: part of the product only with RIDE_SURF=ON.
//
// Detection: at each sample of an octave (every 2^octave pixels), box filters of (9 + 6 layer) 2^octave pixels give the
// second derivatives Dxx, Dyy, Dxy, as sums of means of boxes in grey levels; response = Dxx Dyy - 0.81 Dxy^2. A point
// is a response above the threshold and above its 26 neighbours in place and size, moved to the top of the parabola
// through them. Pixels less than half a filter from the side of the picture have none.
//
// Angle: Haar wavelets of 4s pixels at the points of a disk of radius 6s (s = 1.2 size / 9), weighted by a Gaussian of
// 2.5s; the longest sum of those within 60 degrees, in steps of 5. What leaves the picture has no response.
//
// Descriptor: 20 x 20 Haar wavelets of 2s pixels, s apart, in a square turned by the angle, weighted by a Gaussian of
// 5s (the paper's 3.3s finds a fifth fewer of the points of a wall again from the side); for each of 4 x 4 cells the
// sums of dx, dy, |dx|, |dy|; length 1 (L2). The wavelets are turned, too: each is made of four of 21 x 21 means over
// upright squares of s pixels (rounded), whose places are interpolated, and moved into the picture where they leave it.
//
// Exactness: sums are exact integers, the rest is float or double in a fixed order. A point depends on the pixels
// within surf_reach() only: tiles whose edges lie at multiples of 2^(octaves - 1) with a halo of that give the same
// bits as the whole picture, on any x86-64 and with any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>
#include <vector>

namespace ride::tasks {

struct SurfSearch {
  double threshold = 400;  // of the response, in grey levels to the fourth
  int octaves = 4;         // 1 to 5
  int layers = 3;        // sizes within an octave in which points are found, 1 to 4; one more on each side is computed
  bool upright = false;  // leaves the angle out: all descriptors stand straight
};

struct SurfPoint {
  double x = 0, y = 0;  // in pixels, whole numbers are the middles of pixels; multiples of 1/1024
  double size = 0;      // side of the filter that responds most
  double angle = 0;     // degrees, 0 to 360, from x towards y (down); 0 where upright
  double response = 0;
  bool bright = false;                 // on dark ground, or dark on bright: points of different kinds never match
  std::array<float, 64> descriptor{};  // 16 cells in rows, each dx, dy, |dx|, |dy|; all 0 where there is no contrast

  bool operator==(const SurfPoint&) const = default;
};

// Sums over boxes of an 8-bit picture of one channel. Modulo 2^32: the sum of a box is exact where it is below 2^31,
// boxes up to 2900 x 2900. Four bytes for each pixel.
class BoxSums {
 public:
  explicit BoxSums(const cv::Mat& gray);

  int rows() const { return rows_; }
  int cols() const { return cols_; }
  // Sums of all pixels above the edge y (0 to rows) and left of the edge x (0 to cols).
  const std::uint32_t* above(int y) const { return sums_.data() + static_cast<std::size_t>(y) * (cols_ + 1); }
  std::int32_t box(int left, int top, int right, int bottom) const {
    const std::uint32_t *high = above(top), *low = above(bottom);
    return static_cast<std::int32_t>(low[right] - low[left] - high[right] + high[left]);
  }

 private:
  int rows_, cols_;
  std::vector<std::uint32_t> sums_;
};

// All points, strongest first (equal ones by row, column, size), without angle and descriptor. Uses cv::parallel_for_.
std::vector<SurfPoint> find_surf_points(const BoxSums& sums, const SurfSearch& search, int threads);

// Fills in angle and descriptor of points that were found in the same sums.
void describe_surf_points(const BoxSums& sums, bool upright, std::span<SurfPoint> points, int threads);

// How far from a point a pixel can be that changes it, in pixels.
int surf_reach(const SurfSearch& search);

}  // namespace ride::tasks
