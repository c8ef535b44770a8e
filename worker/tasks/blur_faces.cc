// blur_faces: makes the found boxes unrecognisable. Per box: grown by the margin, outwards to whole pixels, cut at the
// picture, and divided into blocks of equal size (to one pixel). What remains of it are the means of its blocks:
// `pixelate` fills each block with its mean, `blur` goes linearly from the middle of each block to the next, `fill`
// keeps nothing. So, unlike a filter with a kernel, nothing of what is finer than a block can be computed back. 8U and
// 16U within 1 of double precision, 32F within 1e-6. Overlapping boxes are done one after the other. 1, 3 and 4
// channels, all alike. Memory beyond the result: the means, and five rows of 4 bytes a value.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/color.h"
#include "worker/tasks/detections.h"
#include "worker/tasks/label_list.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::blur_faces {
namespace {

struct Options {
  std::string labels = "face";
  std::string method = "blur";
  int blocks = 6;
  double margin = 0.15;
  std::string color = "#000000";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      labels_param(&Options::labels, "Which detections, by label"),
      {"method",
       &Options::method,
       "What is left of a box: a soft picture of its blocks, the blocks, or one color",
       {.choices = {"blur", "pixelate", "fill"}}},
      {"blocks",
       &Options::blocks,
       "Blocks along the longer side of a box; fewer of them show less. A block has at least 4 x 4 pixels",
       {.min = 1, .max = 32}},
      {"margin",
       &Options::margin,
       "What a box is made larger by on each of its sides, as a share of its width and height",
       {.min = 0, .max = 2}},
      color_param("color", &Options::color, "With method: fill, the color")};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "blur_faces",
          .doc =
              "Makes faces unrecognisable: blurs, pixelates or fills the boxes of the attribute 'detections' whose "
              "label is listed, and those without a label. It stands behind a task that finds them (detect_faces); "
              "a frame without the attribute, or with one that cannot be read, is an error and goes no further. "
              "Fewer than about 8 blocks of a face are hardly recognised by people; programs may still do it, only "
              "'fill' leaves nothing (McPherson et al., \"Defeating image obfuscation with deep learning\", 2016).",
          .params = params().specs()};
}

constexpr int kLeastBlock = 4;            // pixels
constexpr std::size_t kMostBoxes = 1000;  // in one frame
constexpr double kMostWork = 64;          // area of all boxes, in areas of the picture
constexpr int kMostSummedRows = 1 << 24;  // of bytes, in 32 bits

// The range of one axis in whole pixels; empty where it lies outside.
std::pair<int, int> covered(double from, double length, double margin, int size) {
  const double first = std::floor(from - length * margin), last = std::ceil(from + length + length * margin);
  return {static_cast<int>(std::clamp(first, 0.0, double(size))),
          static_cast<int>(std::clamp(last, 0.0, double(size)))};
}

cv::Rect covered(const Detection& found, double margin, const cv::Mat& picture) {
  const auto [left, right] = covered(found.x, found.width, margin, picture.cols);
  const auto [top, bottom] = covered(found.y, found.height, margin, picture.rows);
  return {left, top, right - left, bottom - top};
}

// How a side of `length` pixels is cut: block i goes from edge(i) to edge(i + 1).
struct Cut {
  int length = 1, blocks = 1;
  int edge(int i) const { return static_cast<int>(static_cast<std::int64_t>(length) * i / blocks); }
};

// Of a pixel, between the middles of two blocks: the first of them, and how far it is towards the next.
struct Between {
  int block = 0;
  float share = 0;
};

Between between(int pixel, const Cut& cut) {
  const double at = (pixel + 0.5) * cut.blocks / cut.length - 0.5;
  const double inside = std::clamp(at, 0.0, cut.blocks - 1.0);
  const int block = std::min(static_cast<int>(inside), std::max(0, cut.blocks - 2));
  return {block, static_cast<float>(inside - block)};
}

// Of one block; all values alike in the sums of its columns.
void means_of_sums(const std::uint32_t* sums, int cols, int channels, int rows, float* means) {
  for (int c = 0; c < channels; ++c) {
    std::uint64_t sum = 0;
    for (std::ptrdiff_t x = 0; x < cols; ++x) sum += sums[x * channels + c];
    means[c] = static_cast<float>(static_cast<double>(sum) / (static_cast<double>(cols) * rows));
  }
}

// A row of blocks, `rows` of bytes.
void means_of_bytes(const cv::Mat& rows, const Cut& across, std::vector<std::uint32_t>& sums, float* means) {
  const std::ptrdiff_t channels = rows.channels();
  sums.assign(static_cast<std::size_t>(rows.cols) * channels, 0);
  for (int y = 0; y < rows.rows; ++y) add_to_sums(rows.ptr(y), sums.data(), sums.size());
  for (int x = 0; x < across.blocks; ++x)
    means_of_sums(sums.data() + across.edge(x) * channels, across.edge(x + 1) - across.edge(x), rows.channels(),
                  rows.rows, means + x * channels);
}

// Rows of means, all channels of a block side by side.
cv::Mat_<float> means_of(const cv::Mat& region, const Cut& down, const Cut& across) {
  const int channels = region.channels();
  cv::Mat_<float> means(down.blocks, across.blocks * channels);
  std::vector<std::uint32_t> sums;
  for (int y = 0; y < down.blocks; ++y) {
    const cv::Mat rows = region.rowRange(down.edge(y), down.edge(y + 1));
    if (rows.depth() == CV_8U && rows.rows <= kMostSummedRows) {
      means_of_bytes(rows, across, sums, means[y]);
      continue;
    }
    for (int x = 0; x < across.blocks; ++x) {
      const cv::Scalar mean = cv::mean(rows.colRange(across.edge(x), across.edge(x + 1)));
      for (int c = 0; c < channels; ++c) means(y, x * channels + c) = static_cast<float>(mean[c]);
    }
  }
  return means;
}

void pixelate(const cv::Mat_<float>& means, const Cut& down, const Cut& across, cv::Mat& region) {
  const int channels = region.channels();
  for (int y = 0; y < down.blocks; ++y) {
    for (int x = 0; x < across.blocks; ++x) {
      cv::Scalar mean;
      for (int c = 0; c < channels; ++c) mean[c] = means(y, x * channels + c);
      region(cv::Range(down.edge(y), down.edge(y + 1)), cv::Range(across.edge(x), across.edge(x + 1))).setTo(mean);
    }
  }
}

// A row of means stretched over a row of pixels, whose places between the blocks are known.
void stretch(const float* means, const std::vector<Between>& places, int channels, std::ptrdiff_t next,
             std::vector<float>& row) {
  float* to = row.data();
  for (const auto& [block, share] : places) {
    const float* left = means + static_cast<std::ptrdiff_t>(block) * channels;
    for (int c = 0; c < channels; ++c) *to++ = left[c] + share * (left[c + next] - left[c]);
  }
}

template <class Value>
void mix_row(const float* upper, const float* lower, float share, Value* to, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) to[i] = cv::saturate_cast<Value>(upper[i] + share * (lower[i] - upper[i]));
}
template <>
void mix_row(const float* upper, const float* lower, float share, std::uint8_t* to, std::size_t length) {
  between_rows(upper, lower, share, to, length);
}

// Bilinear, from the middles of the blocks; beyond those at the border their own values.
template <class Value>
void soften(const cv::Mat_<float>& means, const Cut& down, const Cut& across, cv::Mat& region) {
  const int channels = region.channels();
  const std::size_t values = static_cast<std::size_t>(region.cols) * channels;
  std::vector<float> upper(values), lower(values);
  std::vector<Between> places;
  places.reserve(static_cast<std::size_t>(region.cols));
  for (int x = 0; x < region.cols; ++x) places.push_back(between(x, across));
  const auto stretched = [&](int block, std::vector<float>& row) {
    stretch(means[std::min(block, down.blocks - 1)], places, channels, across.blocks > 1 ? channels : 0, row);
  };
  int above = 0;  // the block of `upper`
  stretched(above, upper);
  stretched(above + 1, lower);
  for (int y = 0; y < region.rows; ++y) {
    const auto [block, share] = between(y, down);
    for (; above < block; ++above) {
      upper.swap(lower);
      stretched(above + 2, lower);
    }
    mix_row<Value>(upper.data(), lower.data(), share, region.ptr<Value>(y), values);
  }
}

class BlurFaces : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    labels_ = LabelList(options_.labels);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_ASSIGN(const auto found, required_detections(env_, frame));
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    std::vector<cv::Rect> regions;
    double work = 0;
    for (const Detection& one : found) {
      if (!one.label.empty() && !labels_.holds(one.label)) continue;
      const cv::Rect region = covered(one, options_.margin, frame.image);
      if (region.empty()) continue;
      regions.push_back(region);
      work += static_cast<double>(region.width) * region.height / static_cast<double>(frame.image.total());
    }
    if (regions.size() > kMostBoxes || work > kMostWork) {
      return Error{ErrorCode::resource_exhausted,
                   fmt::format("{}: {} boxes of together {:.0f} times the picture's area are more than can be meant "
                               "({} boxes, {:.0f} times); look at the task that finds them",
                               place(env_, frame), regions.size(), work, kMostBoxes, kMostWork)};
    }
    if (regions.empty()) {
      out.emit(frame);
      return {};
    }
    cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    frame.image.copyTo(picture);
    for (const cv::Rect& region : regions) {
      cv::Mat view = picture(region);
      obscure(view);
      if (static_cast<std::int64_t>(region.width) * region.height > 1'000'000) out.progress();
    }
    out.emit(with_image(frame, std::move(picture)));
    return {};
  }

 private:
  void obscure(cv::Mat& region) const {
    if (options_.method == "fill") {
      region.setTo(color_in(region, options_.color));
      return;
    }
    const int longer = std::max(region.cols, region.rows);
    const int side = std::max(kLeastBlock, (longer + options_.blocks - 1) / options_.blocks);
    const Cut across{region.cols, std::max(1, region.cols / side)}, down{region.rows, std::max(1, region.rows / side)};
    const cv::Mat_<float> means = means_of(region, down, across);
    if (options_.method == "pixelate") return pixelate(means, down, across, region);
    if (region.depth() == CV_8U) return soften<std::uint8_t>(means, down, across, region);
    if (region.depth() == CV_16U) return soften<std::uint16_t>(means, down, across, region);
    soften<float>(means, down, across, region);
  }

  TaskEnv env_;
  Options options_;
  LabelList labels_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, BlurFaces)

}  // namespace ride::tasks::blur_faces
