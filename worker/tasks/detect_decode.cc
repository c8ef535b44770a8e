#include "worker/tasks/detect_decode.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <tuple>

namespace ride::tasks {
namespace {

constexpr double kScoreRounding = 1e-3;  // above 1, of networks that compute a sigmoid by a table
constexpr int kBoxNumbers = 4;

bool better(const NetBox& a, const NetBox& b) {
  return std::tuple(-a.score, a.class_id, a.left, a.top, a.right, a.bottom) <
         std::tuple(-b.score, b.class_id, b.left, b.top, b.right, b.bottom);
}

bool is_box(const NetBox& box) {
  for (const double value : {box.score, box.left, box.top, box.right, box.bottom})
    if (!std::isfinite(value)) return false;
  return box.class_id >= 0 && box.score >= 0 && box.score <= 1 + kScoreRounding && box.left < box.right &&
         box.top < box.bottom;
}

// The best of what is added, in memory that is bounded.
class Candidates {
 public:
  void add(NetBox box) {
    if (!is_box(box)) return;
    box.score = std::min(box.score, 1.0);
    boxes_.push_back(box);
    if (boxes_.size() == 2 * kMaxCandidates) cut();
  }
  std::vector<NetBox> take() {
    cut();
    return std::move(boxes_);
  }

 private:
  void cut() {
    if (boxes_.size() <= kMaxCandidates) return;
    std::nth_element(boxes_.begin(), boxes_.begin() + kMaxCandidates, boxes_.end(), better);
    boxes_.resize(kMaxCandidates);
  }
  std::vector<NetBox> boxes_;
};

Error other_shape(const char* kind, const char* wanted, const std::vector<cv::Mat>& outputs) {
  std::string got;
  for (const cv::Mat& output : outputs) got += (got.empty() ? "" : ", ") + output_shape(output);
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("the outputs of kind '{}' are {}, but those of this network are {}: state another 'kind', or "
                  "a model of this one",
                  kind, wanted, got)};
}

bool is_float(const cv::Mat& output, int dims) {
  return output.type() == CV_32F && output.dims == dims && output.isContinuous();
}

NetBox around(double x, double y, double width, double height) {
  return {.left = x - width / 2, .top = y - height / 2, .right = x + width / 2, .bottom = y + height / 2};
}

// N rows of a number of columns, whatever dimensions of 1 stand before them.
std::optional<cv::Size> rows_of(const cv::Mat& output) {
  if (output.type() != CV_32F || !output.isContinuous() || output.dims < 2 || output.dims > 3) return std::nullopt;
  if (output.dims == 3 && output.size[0] != 1) return std::nullopt;
  return cv::Size(output.size[output.dims - 1], output.size[output.dims - 2]);
}

// Numbers of one row that lie `step` apart: box, perhaps objectness, scores.
struct YoloRow {
  const float* first;
  std::ptrdiff_t step;
  float operator[](int i) const { return first[i * step]; }
};

void add_best_class(YoloRow row, int classes, YoloForm form, cv::Size input, double threshold, Candidates& found) {
  const int scores = form == YoloForm::columns ? kBoxNumbers : kBoxNumbers + 1;
  const double objectness = form == YoloForm::rows ? row[kBoxNumbers] : 1;
  int best = -1;
  double score = 0;
  for (int c = 0; c < classes; ++c) {
    const double its = objectness * row[scores + c];
    if (its >= threshold && (best < 0 || its > score)) {
      best = c;
      score = its;
    }
  }
  if (best < 0) return;
  const double w = form == YoloForm::region ? 1 : input.width, h = form == YoloForm::region ? 1 : input.height;
  NetBox box = around(row[0] / w, row[1] / h, row[2] / w, row[3] / h);
  box.class_id = best;
  box.score = score;
  found.add(box);
}

bool is_peak(const float* map, cv::Size size, int x, int y) {
  const float value = map[static_cast<std::ptrdiff_t>(y) * size.width + x];
  for (int v = std::max(0, y - 1); v <= std::min(size.height - 1, y + 1); ++v)
    for (int u = std::max(0, x - 1); u <= std::min(size.width - 1, x + 1); ++u)
      if (map[static_cast<std::ptrdiff_t>(v) * size.width + u] > value) return false;
  return true;
}

double area(const NetBox& box) { return (box.right - box.left) * (box.bottom - box.top); }

double iou_of(const NetBox& a, const NetBox& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  return width * height / (area(a) + area(b) - width * height);
}

}  // namespace

std::string output_shape(const cv::Mat& output) {
  std::string text;
  for (int i = 0; i < output.dims; ++i) text += (i > 0 ? "x" : "") + std::to_string(output.size[i]);
  return text.empty() ? "empty" : text;
}

Result<std::vector<NetBox>> decode_ssd(const cv::Mat& output, double threshold) {
  constexpr int kNumbers = 7;
  if (!is_float(output, 4) || output.size[0] != 1 || output.size[1] != 1 || output.size[3] != kNumbers)
    return other_shape("ssd", "1x1xNx7", {output});
  constexpr double kMaxClass = 1e6;
  Candidates found;
  const float* row = output.ptr<float>();
  for (int i = 0; i < output.size[2]; ++i, row += kNumbers) {
    // A number that is not finite is in no range.
    if (row[0] != 0 || !(row[2] >= threshold) || !(row[1] >= 0 && row[1] < kMaxClass)) continue;
    found.add({static_cast<int>(row[1]), row[2], row[3], row[4], row[5], row[6]});
  }
  return found.take();
}

YoloForm yolo_form_of_onnx(const cv::Mat& output) {
  const auto size = rows_of(output);
  return size && size->height < size->width ? YoloForm::columns : YoloForm::rows;
}

Result<int> yolo_classes(const std::vector<cv::Mat>& outputs, YoloForm form) {
  std::optional<int> classes;
  for (const cv::Mat& output : outputs) {
    const auto size = rows_of(output);
    const int its = !size ? 0 : form == YoloForm::columns ? size->height - kBoxNumbers : size->width - kBoxNumbers - 1;
    if (its < 1 || (classes && *classes != its)) {
      return other_shape("yolo", form == YoloForm::region ? "Nx(5+classes)" : "1xNx(5+classes) or 1x(4+classes)xN",
                         outputs);
    }
    classes = its;
  }
  if (!classes) return other_shape("yolo", "Nx(5+classes)", outputs);
  return *classes;
}

Result<std::vector<NetBox>> decode_yolo(const std::vector<cv::Mat>& outputs, YoloForm form, cv::Size input,
                                        double threshold) {
  RIDE_ASSIGN(const int classes, yolo_classes(outputs, form));
  Candidates found;
  for (const cv::Mat& output : outputs) {
    const cv::Size size = *rows_of(output);
    const bool columns = form == YoloForm::columns;
    const float* first = output.ptr<float>();
    for (int i = 0; i < (columns ? size.width : size.height); ++i) {
      const YoloRow row{first + (columns ? std::ptrdiff_t{i} : std::ptrdiff_t{i} * size.width),
                        columns ? std::ptrdiff_t{size.width} : 1};
      add_best_class(row, classes, form, input, threshold, found);
    }
  }
  return found.take();
}

Result<int> centernet_classes(const cv::Mat& heat, const cv::Mat& sides) {
  const bool fit = is_float(heat, 4) && is_float(sides, 4) && heat.size[0] == 1 && sides.size[0] == 1 &&
                   heat.size[1] > 0 && sides.size[1] == kBoxNumbers && heat.size[2] == sides.size[2] &&
                   heat.size[3] == sides.size[3];
  if (!fit) return other_shape("centernet", "1xCLASSESxHxW and 1x4xHxW", {heat, sides});
  return heat.size[1];
}

Result<std::vector<NetBox>> decode_centernet(const cv::Mat& heat, const cv::Mat& sides, cv::Size input,
                                             double threshold) {
  RIDE_ASSIGN(const int classes, centernet_classes(heat, sides));
  const cv::Size size(heat.size[3], heat.size[2]);
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(size.width) * size.height;
  Candidates found;
  for (int c = 0; c < classes; ++c) {
    const float* map = heat.ptr<float>() + c * plane;
    for (std::ptrdiff_t i = 0; i < plane; ++i) {
      const int x = static_cast<int>(i % size.width), y = static_cast<int>(i / size.width);
      if (!(map[i] >= threshold) || !is_peak(map, size, x, y)) continue;
      const float* side = sides.ptr<float>() + i;
      const double across = static_cast<double>(x) / size.width, down = static_cast<double>(y) / size.height;
      found.add({c, map[i], across - side[0] / input.width, down - side[plane] / input.height,
                 across + side[2 * plane] / input.width, down + side[3 * plane] / input.height});
    }
  }
  return found.take();
}

std::vector<NetBox> without_overlaps(std::vector<NetBox> boxes, double iou) {
  std::sort(boxes.begin(), boxes.end(), better);
  std::vector<NetBox> kept;
  for (const NetBox& box : boxes) {
    if (kept.size() == kMaxDetections) break;
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](const NetBox& other) {
      return other.class_id == box.class_id && iou_of(other, box) > iou;
    });
    if (!covered) kept.push_back(box);
  }
  return kept;
}

std::optional<cv::Rect> box_in_picture(const NetBox& box, cv::Size picture) {
  const auto pixel = [](double relative, int side) { return cvRound(std::clamp(relative, 0.0, 1.0) * side); };
  const int left = pixel(box.left, picture.width), top = pixel(box.top, picture.height);
  const cv::Rect cut(left, top, pixel(box.right, picture.width) - left, pixel(box.bottom, picture.height) - top);
  return cut.empty() ? std::nullopt : std::optional(cut);
}

}  // namespace ride::tasks
