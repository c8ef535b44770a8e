// overlay_picture: 8U, 16U or 32F, 1, 3 or 4 channels; a copy of the picture with another one on it. Where both have
// alpha: "over" (Porter and Duff, 1984) for pictures that are opaque, and alpha grows by what lies on it. In floats:
// within 1 of the definition (8U, 16U), 1e-5 (32F).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/input_file.h"
#include "worker/tasks/nearest.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
#include "worker/tasks/png_file.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::overlay_picture {
namespace {

struct Options {
  std::string file;
  std::string position = "bottom_right";
  int margin = 0;
  double scale = 1;
  double opacity = 1;
};

std::optional<std::string> named(const ParamValue& value) {
  if (!std::get<std::string>(value).empty()) return std::nullopt;
  return "it is empty; name a PNG file";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"file",
       &Options::file,
       "Path of the picture that is laid on: a PNG file, with or without alpha, of up to 2^24 pixels and 64 MB; every "
       "partition reads its own copy when it opens",
       {.rule = named, .rule_doc = "not empty", .required = true, .file = InputFile{locate_path, kMostPngBytes}}},
      {"position",
       &Options::position,
       "Where on the picture",
       {.choices = {"top_left", "top_right", "bottom_left", "bottom_right", "center"}}},
      {"margin", &Options::margin, "Distance from the edges, in pixels", {.min = 0, .max = 65535}},
      {"scale", &Options::scale, "Factor for both sides of what is laid on", {.min = 0.001, .max = 100}},
      {"opacity", &Options::opacity, "0 shows nothing of it, 1 all that its own alpha shows", {.min = 0, .max = 1}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "overlay_picture",
          .doc =
              "Lays a picture, for example a logo, on a copy of each frame; its alpha counts. What has no place on the "
              "frame is cut. Frames of one channel get its brightness.",
          .params = params().specs()};
}

// 0 to 1, four channels: blue, green, red, each times alpha (so that resizing mixes no color of what is invisible), and
// alpha.
cv::Mat premultiplied(const cv::Mat& picture, double opacity) {
  cv::Mat four = picture, wide;
  if (picture.channels() == 1) cv::cvtColor(picture, four, cv::COLOR_GRAY2BGRA);
  if (picture.channels() == 3) cv::cvtColor(picture, four, cv::COLOR_BGR2BGRA);
  four.convertTo(wide, CV_32F, 1 / (picture.depth() == CV_16U ? 65535.0 : 255.0));
  wide.forEach<cv::Vec4f>([opacity](cv::Vec4f& pixel, const int*) {
    pixel[3] *= static_cast<float>(opacity);
    for (int c = 0; c < 3; ++c) pixel[c] *= pixel[3];
  });
  return wide;
}

template <class Value>
void blend_row(const Value* from, const float* left, const float* light, Value* to, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    const float value = left[i] * static_cast<float>(from[i]) + light[i];
    if constexpr (std::is_floating_point_v<Value>)
      to[i] = value;
    else
      to[i] = nearest<Value>(std::min(value, static_cast<float>(std::numeric_limits<Value>::max())));
  }
}
template <>
void blend_row(const std::uint8_t* from, const float* left, const float* light, std::uint8_t* to, std::size_t length) {
  times_and_plus(from, left, light, to, length);
}

// What is laid on pictures of one type: a value becomes value * left + light.
struct Layer {
  int type = -1;
  cv::Mat left, light;
};

// `laid`: premultiplied.
Layer layer_for(int type, const cv::Mat& laid) {
  const int channels = CV_MAT_CN(type), depth = CV_MAT_DEPTH(type);
  const float full = depth == CV_8U ? 255.0f : depth == CV_16U ? 65535.0f : 1.0f;
  Layer layer{type, cv::Mat(laid.size(), CV_32FC(channels)), cv::Mat(laid.size(), CV_32FC(channels))};
  for (int y = 0; y < laid.rows; ++y) {
    const auto* from = laid.ptr<cv::Vec4f>(y);
    float *left = layer.left.ptr<float>(y), *light = layer.light.ptr<float>(y);
    for (int x = 0; x < laid.cols; ++x, ++from) {
      const float gray = 0.114f * (*from)[0] + 0.587f * (*from)[1] + 0.299f * (*from)[2];
      for (int c = 0; c < channels; ++c) {
        *left++ = std::max(0.0f, 1 - (*from)[3]);
        *light++ = full * (channels == 1 ? gray : (*from)[c]);
      }
    }
  }
  return layer;
}

template <class Value>
void blend(const cv::Mat& in, const cv::Mat& left, const cv::Mat& light, cv::Mat& picture) {
  const std::size_t values = static_cast<std::size_t>(picture.cols) * picture.channels();
  for (int y = 0; y < picture.rows; ++y) {
    blend_row<Value>(in.ptr<Value>(y), left.ptr<float>(y), light.ptr<float>(y), picture.ptr<Value>(y), values);
  }
}

class OverlayPicture : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    const auto at = [&](const Error& error) {
      return Error{error.code, fmt::format("stage '{}': {}", env.stage, error.message)};
    };
    const auto picture = read_png(file_for(env, "file", options_.file));
    if (!picture) return at(picture.error());
    const double width = std::max(1.0, std::round(picture->cols * options_.scale));
    const double height = std::max(1.0, std::round(picture->rows * options_.scale));
    if (width * height > static_cast<double>(kMostPngPixels))
      return at({ErrorCode::invalid_argument,
                 fmt::format("the picture '{}' of {} would become {}x{}, more than {} million pixels; set a smaller "
                             "'scale'",
                             options_.file, shape_text(*picture), width, height, kMostPngPixels >> 20)});
    laid_ = premultiplied(*picture, options_.opacity);
    const cv::Size size(static_cast<int>(width), static_cast<int>(height));
    if (size != laid_.size())
      cv::resize(laid_, laid_, size, 0, 0, options_.scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}));
    cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    frame.image.copyTo(picture);
    const cv::Rect wanted(corner(picture.size()), laid_.size());
    const cv::Rect seen = wanted & cv::Rect({0, 0}, picture.size());
    if (!seen.empty()) {
      if (layer_.type != picture.type()) layer_ = layer_for(picture.type(), laid_);
      const cv::Rect part = seen - wanted.tl();
      const cv::Mat in = frame.image(seen), left = layer_.left(part), light = layer_.light(part);
      cv::Mat under = picture(seen);
      if (picture.depth() == CV_8U) blend<std::uint8_t>(in, left, light, under);
      if (picture.depth() == CV_16U) blend<std::uint16_t>(in, left, light, under);
      if (picture.depth() == CV_32F) blend<float>(in, left, light, under);
    }
    out.emit(with_image(frame, std::move(picture)));
    return {};
  }

 private:
  cv::Point corner(const cv::Size& picture) const {
    const auto& position = options_.position;
    const int right = picture.width - laid_.cols, bottom = picture.height - laid_.rows;
    if (position == "center") return {right / 2, bottom / 2};
    return {position.ends_with("right") ? right - options_.margin : options_.margin,
            position.starts_with("bottom") ? bottom - options_.margin : options_.margin};
  }

  TaskEnv env_;
  Options options_;
  cv::Mat laid_;  // premultiplied
  Layer layer_;   // for the frames that came last
};

}  // namespace

RIDE_REGISTER_TASK(declaration, OverlayPicture)

}  // namespace ride::tasks::overlay_picture
