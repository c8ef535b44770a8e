// denoise: non-local means, 8U, 1 or 3 channels; border reflect101. A pixel depends on its windows only, by sums of
// integers, so stripes with a halo of both radii give the same bits as the whole picture. Of one channel within 2 of
// the definition in real numbers (OpenCV rounds distances and weights). Color goes through 8-bit Lab, as in
// cv::fastNlMeansDenoisingColored. Time: about 1 ns for each pixel of the search window, for each pixel and each of two
// passes of color. Memory beside the result: search_size^2 integers for each column, and a band of rows.
#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::denoise {
namespace {

struct Options {
  double h = 3;
  double h_color = 3;
  int template_size = 7;
  int search_size = 21;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"h",
       &Options::h,
       "Strength, in grey levels: about the noise's standard deviation; more removes more noise, and details",
       {.min = 0.1, .max = 100}},
      {"h_color",
       &Options::h_color,
       "The same for the colors (a and b of Lab) of pictures of three channels; 10 suits most colored noise",
       {.min = 0.1, .max = 100}},
      {"template_size",
       &Options::template_size,
       "Side of the square patch that is compared, in pixels",
       {.min = 1, .max = 15, .rule = odd, .rule_doc = "odd"}},
      {"search_size",
       &Options::search_size,
       "Side of the square in which similar patches are looked for, in pixels; the time grows with its square",
       {.min = 3, .max = 35, .rule = odd, .rule_doc = "odd"}}};
  return kParams;
}

int reach(const Options& options) { return options.template_size / 2 + options.search_size / 2; }

TaskDecl declaration() {
  return {.name = "denoise",
          .doc =
              "Removes noise and keeps edges: each pixel becomes the mean of those in its search window, weighted by "
              "how much their surroundings resemble its own (non-local means: Buades, Coll and Morel, 2005). Three "
              "channels as brightness and color apart, in Lab; pixels outside the picture are mirrored (reflect101). "
              "Takes 8-bit pictures of 1 or 3 channels, about 2 megapixels a second and core in gray with the "
              "defaults.",
          .params = params().specs(),
          .halo = [](const ParamValues& values) { return reach(params().read(values)); }};
}

// Rows that are done at once, so that a large picture shows progress and its copies stay small. OpenCV sees the rows
// around a band; the border is reflected rightly because a band has more rows than the reach.
constexpr int kLeastBand = 128, kBandPixels = 1 << 20;

class Denoise : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3}));
    cv::Mat clean = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    const cv::Mat in = isolated(frame.image);
    const int band = std::max(kBandPixels / in.cols, kLeastBand);
    for (int top = 0; top < in.rows; top += band) {
      const cv::Range rows(top, std::min(in.rows, top + band));
      cv::Mat to = clean.rowRange(rows);
      if (in.channels() == 1)
        quiet(in.rowRange(rows), options_.h, to);
      else
        quiet_color(in, rows, to);
      out.progress();
    }
    out.emit(with_image(frame, std::move(clean)));
    return {};
  }

 private:
  void quiet(const cv::Mat& in, double h, cv::Mat& to) const {
    cv::fastNlMeansDenoising(in, to, static_cast<float>(h), options_.template_size, options_.search_size);
  }

  void quiet_color(const cv::Mat& in, const cv::Range& rows, cv::Mat& to) const {
    const cv::Range wide(std::max(0, rows.start - reach(options_)), std::min(in.rows, rows.end + reach(options_)));
    const cv::Range core(rows.start - wide.start, rows.end - wide.start);
    cv::Mat lab, clean_lab(core.size(), in.cols, CV_8UC3);
    cv::cvtColor(in.rowRange(wide), lab, cv::COLOR_LBGR2Lab);
    cv::Mat lightness(lab.size(), CV_8UC1), color(lab.size(), CV_8UC2), clean_lightness, clean_color;
    const int apart[] = {0, 0, 1, 1, 2, 2};
    cv::Mat parts[] = {lightness, color};
    cv::mixChannels(&lab, 1, parts, 2, apart, 3);
    quiet(lightness.rowRange(core), options_.h, clean_lightness);
    quiet(color.rowRange(core), options_.h_color, clean_color);
    const cv::Mat clean[] = {clean_lightness, clean_color};
    cv::mixChannels(clean, 2, &clean_lab, 1, apart, 3);
    cv::cvtColor(clean_lab, to, cv::COLOR_Lab2LBGR, 3);
  }

  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Denoise)

}  // namespace ride::tasks::denoise
