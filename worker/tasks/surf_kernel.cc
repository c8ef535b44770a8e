// SURF: sums over boxes, and where points are. Descriptors: surf_descriptor.cc.
#include "worker/tasks/surf_kernel.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <optional>
#include <tuple>

#include "common/check.h"
#include "worker/tasks/avx2.h"

namespace ride::tasks {
namespace {

constexpr float kMixedWeight = 0.81f;  // of Dxy^2: boxes instead of Gaussians
constexpr int kMostOctaves = 5, kMostLayers = 4;
constexpr double kPlaceSteps = 1024;  // positions in tiles and in the whole picture are then the same number

// --- Filters ---------------------------------------------------------------------------------------------------------

int filter_size(int octave, int layer) { return (9 + 6 * layer) << octave; }

// The three box filters of one size, as offsets from their left top corner: those of 9 x 9 pixels, scaled.
struct Filter {
  int size, third;  // Dxx: three boxes side by side, each a third wide, from `low` to `high`; Dyy: the same, turned
  int low, high;
  int mixed[4];                      // Dxy: boxes from mixed[0] to [1] and from [2] to [3]
  float inverse_box, inverse_mixed;  // 1 / pixels of a box

  explicit Filter(int side) : size(side), third(side / 3) {
    const auto scaled = [&](int position) { return static_cast<int>(std::lround(position * side / 9.0)); };
    low = scaled(2), high = scaled(7);
    const int of_nine[4] = {1, 4, 5, 8};
    for (int i = 0; i < 4; ++i) mixed[i] = scaled(of_nine[i]);
    inverse_box = 1.0f / static_cast<float>(third * (high - low));
    const int width = mixed[1] - mixed[0];
    inverse_mixed = 1.0f / static_cast<float>(width * width);
  }
};

struct Derivatives {
  float xx, yy, xy;
};

// Rows of sums at the edges that a filter with its upper edge at `top` needs.
struct FilterRows {
  const std::uint32_t *low, *high, *third[4], *mixed[4];

  FilterRows(const BoxSums& sums, const Filter& f, int top)
      : low(sums.above(top + f.low)), high(sums.above(top + f.high)) {
    for (int i = 0; i < 4; ++i) third[i] = sums.above(top + i * f.third);
    for (int i = 0; i < 4; ++i) mixed[i] = sums.above(top + f.mixed[i]);
  }
};

RIDE_INLINE float as_float(std::uint32_t sum) { return static_cast<float>(static_cast<std::int32_t>(sum)); }

// Outer boxes once, the middle one minus twice: all of them once, the middle one minus three times.
RIDE_INLINE Derivatives derivatives(const FilterRows& r, const Filter& f, int x) {
  const int x0 = x, x1 = x + f.third, x2 = x + 2 * f.third, x3 = x + 3 * f.third;
  const std::uint32_t xx =
      (r.high[x3] - r.low[x3]) - (r.high[x0] - r.low[x0]) - 3 * ((r.high[x2] - r.low[x2]) - (r.high[x1] - r.low[x1]));
  const int left = x + f.low, right = x + f.high;
  const std::uint32_t yy = (r.third[3][right] - r.third[3][left]) - (r.third[0][right] - r.third[0][left]) -
                           3 * ((r.third[2][right] - r.third[2][left]) - (r.third[1][right] - r.third[1][left]));
  const int m0 = x + f.mixed[0], m1 = x + f.mixed[1], m2 = x + f.mixed[2], m3 = x + f.mixed[3];
  const auto across = [&](const std::uint32_t* row) { return (row[m1] - row[m0]) - (row[m3] - row[m2]); };
  const std::uint32_t xy = (across(r.mixed[1]) - across(r.mixed[0])) - (across(r.mixed[3]) - across(r.mixed[2]));
  return {as_float(xx) * f.inverse_box, as_float(yy) * f.inverse_box, as_float(xy) * f.inverse_mixed};
}

template <int Step>  // 0: `step`
RIDE_INLINE void response_row(const BoxSums& sums, const Filter& f, int top, int step, int count,
                              float* __restrict out) {
  const FilterRows rows(sums, f, top);
  for (int i = 0; i < count; ++i) {
    const Derivatives d = derivatives(rows, f, i * (Step == 0 ? step : Step));
    out[i] = d.xx * d.yy - kMixedWeight * d.xy * d.xy;
  }
}

RIDE_AVX2 void response_row_avx2(const BoxSums& sums, const Filter& f, int top, int step, int count, float* out) {
  if (step == 1) return response_row<1>(sums, f, top, step, count, out);
  if (step == 2) return response_row<2>(sums, f, top, step, count, out);
  response_row<0>(sums, f, top, step, count, out);
}

void response_row_any(const BoxSums& sums, const Filter& f, int top, int step, int count, float* out) {
  if (step == 1) return response_row<1>(sums, f, top, step, count, out);
  if (step == 2) return response_row<2>(sums, f, top, step, count, out);
  response_row<0>(sums, f, top, step, count, out);
}

// --- Octaves ---------------------------------------------------------------------------------------------------------

// Sample g of an octave, in both directions: its middle lies (g + 1/2) 2^octave - 1/2 pixels from the first pixel's,
// for all layers alike, and the filter of a layer starts at pixel (g - margin) 2^octave.
struct Layer {
  Filter filter;
  int margin, rows, cols;  // samples before the first that has room for the filter, and how many have
};

// Three rows of responses of each layer, and what is found in the one in the middle.
class OctaveRows {
 public:
  OctaveRows(const BoxSums& sums, const SurfSearch& search, int octave)
      : sums_(sums), threshold_(static_cast<float>(search.threshold)), octave_(octave), step_(1 << octave) {
    const auto room = [&](int length, int size) { return length < size ? 0 : (length - size) / step_ + 1; };
    for (int i = 0; i < search.layers + 2; ++i) {
      const int size = filter_size(octave, i);
      layers_.push_back({Filter(size), size / 2 / step_, room(sums.rows(), size), room(sums.cols(), size)});
    }
  }

  // Rows in which points can be: all that have a row of the second layer on each side.
  cv::Range rows() const { return {layers_[2].margin + 1, layers_[2].margin + layers_[2].rows - 1}; }

  void find(cv::Range rows, std::vector<SurfPoint>& found) {
    const int width = (sums_.cols() >> octave_) + 1;
    responses_.assign(layers_.size() * 3, std::vector<float>(static_cast<std::size_t>(width)));
    for (int g = rows.start - 1; g < rows.end + 1; ++g) {
      compute(g);
      if (g >= rows.start + 1) search_row(g - 1, found);
    }
  }

 private:
  std::vector<float>& row(std::size_t layer, int g) { return responses_[layer * 3 + static_cast<std::size_t>(g) % 3]; }

  void compute(int g) {
    static const auto kRun = has_avx2() ? response_row_avx2 : response_row_any;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
      if (g < layer.margin || g >= layer.margin + layer.rows) continue;
      kRun(sums_, layer.filter, (g - layer.margin) * step_, step_, layer.cols, row(i, g).data() + layer.margin);
    }
  }

  void search_row(int g, std::vector<SurfPoint>& found) {
    for (std::size_t i = 1; i + 1 < layers_.size(); ++i) {
      const Layer& above = layers_[i + 1];
      if (g < above.margin + 1 || g >= above.margin + above.rows - 1) continue;
      const float* middle = row(i, g).data();
      for (int x = above.margin + 1; x < above.margin + above.cols - 1; ++x) {
        const float value = middle[x];
        if (!(value > threshold_ && value > middle[x - 1] && value > middle[x + 1])) continue;
        if (!is_highest(i, g, x)) continue;
        if (auto point = fitted(i, g, x)) found.push_back(*point);
      }
    }
  }

  // Responses around a sample: [layer][row][column].
  using Around = float[3][3][3];
  void around(std::size_t layer, int g, int x, Around& values) {
    for (int k = 0; k < 3; ++k) {
      for (int j = 0; j < 3; ++j) {
        const float* from = row(layer + static_cast<std::size_t>(k) - 1, g + j - 1).data() + x - 1;
        std::copy(from, from + 3, values[k][j]);
      }
    }
  }

  bool is_highest(std::size_t layer, int g, int x) {
    Around values;
    around(layer, g, x, values);
    const float* all = &values[0][0][0];
    for (int i = 0; i < 27; ++i)
      if (i != 13 && !(all[13] > all[i])) return false;
    return true;
  }

  std::optional<SurfPoint> fitted(std::size_t layer, int g, int x);

  const BoxSums& sums_;
  const float threshold_;
  const int octave_, step_;
  std::vector<Layer> layers_;
  std::vector<std::vector<float>> responses_;
};

// --- The top of a parabola -------------------------------------------------------------------------------------------

using Vector3 = std::array<double, 3>;

double determinant(const Vector3& a, const Vector3& b, const Vector3& c) {
  return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
}

// Where the parabola through the responses around a sample is highest: columns, rows and layers from it. Nothing where
// it has no top within one step.
std::optional<Vector3> top_of(const float (&v)[3][3][3]) {
  const auto at = [&](int x, int y, int z) { return static_cast<double>(v[1 + z][1 + y][1 + x]); };
  const double middle = at(0, 0, 0);
  const Vector3 slope = {(at(1, 0, 0) - at(-1, 0, 0)) / 2, (at(0, 1, 0) - at(0, -1, 0)) / 2,
                         (at(0, 0, 1) - at(0, 0, -1)) / 2};
  const double xx = at(1, 0, 0) - 2 * middle + at(-1, 0, 0), yy = at(0, 1, 0) - 2 * middle + at(0, -1, 0),
               zz = at(0, 0, 1) - 2 * middle + at(0, 0, -1);
  const double xy = (at(1, 1, 0) - at(-1, 1, 0) - at(1, -1, 0) + at(-1, -1, 0)) / 4;
  const double xz = (at(1, 0, 1) - at(-1, 0, 1) - at(1, 0, -1) + at(-1, 0, -1)) / 4;
  const double yz = (at(0, 1, 1) - at(0, -1, 1) - at(0, 1, -1) + at(0, -1, -1)) / 4;
  const Vector3 a = {xx, xy, xz}, b = {xy, yy, yz}, c = {xz, yz, zz}, back = {-slope[0], -slope[1], -slope[2]};
  const double whole = determinant(a, b, c);
  if (whole == 0) return std::nullopt;
  // Symmetric: rows are columns. Cramer's rule.
  const Vector3 top = {determinant(back, b, c) / whole, determinant(a, back, c) / whole,
                       determinant(a, b, back) / whole};
  for (const double step : top)
    if (!(std::abs(step) <= 1)) return std::nullopt;
  return top;
}

std::optional<SurfPoint> OctaveRows::fitted(std::size_t layer, int g, int x) {
  Around values;
  around(layer, g, x, values);
  const auto top = top_of(values);
  if (!top) return std::nullopt;
  const auto place = [&](int sample, double moved) {
    return std::round(((sample + 0.5 + moved) * step_ - 0.5) * kPlaceSteps) / kPlaceSteps;
  };
  const Filter& filter = layers_[layer].filter;
  const int margin = layers_[layer].margin;
  const FilterRows rows(sums_, filter, (g - margin) * step_);
  const Derivatives d = derivatives(rows, filter, (x - margin) * step_);
  return SurfPoint{.x = place(x, (*top)[0]),
                   .y = place(g, (*top)[1]),
                   .size = filter.size + (*top)[2] * (6 * step_),
                   .response = values[1][1][1],
                   .bright = d.xx + d.yy < 0};
}

bool stronger_surf(const SurfPoint& a, const SurfPoint& b) {
  return std::tie(b.response, a.y, a.x, a.size) < std::tie(a.response, b.y, b.x, b.size);
}

struct Work {
  int octave;
  cv::Range rows;
};

// Octaves in stripes, so that each thread has some of the first, which is three quarters of the work.
std::vector<Work> divided(const BoxSums& sums, const SurfSearch& search, int threads) {
  constexpr int kLeastRows = 64;
  std::vector<Work> work;
  for (int octave = 0; octave < search.octaves; ++octave) {
    const cv::Range rows = OctaveRows(sums, search, octave).rows();
    if (rows.end <= rows.start) continue;
    const int stripes = std::clamp(rows.size() / kLeastRows, 1, std::max(1, threads));
    const auto edge = [&](std::int64_t n) { return rows.start + static_cast<int>(rows.size() * n / stripes); };
    for (int i = 0; i < stripes; ++i) work.push_back({octave, {edge(i), edge(i + 1)}});
  }
  return work;
}

}  // namespace

BoxSums::BoxSums(const cv::Mat& gray)
    : rows_(gray.rows),
      cols_(gray.cols),
      sums_((static_cast<std::size_t>(gray.rows) + 1) * (static_cast<std::size_t>(gray.cols) + 1)) {
  RIDE_CHECK(gray.type() == CV_8UC1, "sums of a picture that is not 8-bit grey");
  for (int y = 0; y < rows_; ++y) {
    const std::uint8_t* in = gray.ptr<std::uint8_t>(y);
    const std::uint32_t* before = above(y);
    std::uint32_t* out = sums_.data() + static_cast<std::size_t>(y + 1) * (cols_ + 1);
    std::uint32_t along = 0;
    for (int x = 0; x < cols_; ++x) {
      along += in[x];
      out[x + 1] = before[x + 1] + along;
    }
  }
}

std::vector<SurfPoint> find_surf_points(const BoxSums& sums, const SurfSearch& search, int threads) {
  RIDE_CHECK(
      search.octaves >= 1 && search.octaves <= kMostOctaves && search.layers >= 1 && search.layers <= kMostLayers,
      "octaves or layers out of bounds");
  const auto work = divided(sums, search, threads);
  std::vector<std::vector<SurfPoint>> parts(work.size());
  cv::parallel_for_(
      cv::Range(0, static_cast<int>(work.size())),
      [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i)
          OctaveRows(sums, search, work[i].octave).find(work[i].rows, parts[i]);
      },
      std::max(1, threads));
  std::vector<SurfPoint> found;
  for (const auto& part : parts) found.insert(found.end(), part.begin(), part.end());
  std::sort(found.begin(), found.end(), stronger_surf);
  return found;
}

int surf_reach(const SurfSearch& search) {
  // The largest size is that of the last layer. The corner of the descriptor's square is the farthest: 10 s in each
  // direction, and the wavelet there, s and half a pixel; and one pixel for positions that are rounded.
  const double s = 1.2 / 9 * filter_size(search.octaves - 1, search.layers + 1);
  return static_cast<int>(std::ceil(10 * std::sqrt(2.0) * s + s + 0.5)) + 1;
}

}  // namespace ride::tasks
