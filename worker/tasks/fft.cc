// fft: 8U, 16U or 32F, 1 to 4 channels, in float32; spectrum.h has the definition, the method and its memory.
#include <spdlog/fmt/fmt.h>

#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/planes.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/spectrum.h"

namespace ride::tasks::fft {
namespace {

struct Options {
  std::string output = "magnitude";
  std::string depth = "8u";
  std::string scale = "log";
  bool centered = true;
  std::string pad = "optimal";
  std::string channels = "gray";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"output",
       &Options::output,
       "magnitude: the spectrum |F|; roundtrip: forward and back again, the picture that came in, in its depth (8-bit "
       "values exactly, 16-bit ones within 1)",
       {.choices = {"magnitude", "roundtrip"}}},
      {"depth",
       &Options::depth,
       "Of magnitudes: 8u, stretched from the least to the largest for viewing, or 32f, as they are",
       {.choices = {"8u", "32f"}}},
      {"scale", &Options::scale, "Of magnitudes: log, log(1 + |F|), or linear", {.choices = {"log", "linear"}}},
      {"centered", &Options::centered,
       "The zero frequency of a magnitude lies in the middle (at column cols / 2, row rows / 2), else in the corner"},
      {"pad",
       &Options::pad,
       "optimal: zeros right and below up to sides whose prime factors are 2, 3 and 5 (24160 x 25720: 24300 x 25920). "
       "The magnitude then has the larger size, and is that of the picture between zeros: its spectrum at a finer "
       "spacing, with a cross where the picture's edges are not black. none: the spectrum of the picture itself, for "
       "sides without prime factors above 1000, slower the larger they are",
       {.choices = {"optimal", "none"}}},
      channels_param(&Options::channels)};
  return kParams;
}

constexpr int kLongestSide = 1 << 20;
constexpr std::int64_t kMostValues = std::int64_t{1} << 30;
constexpr int kLargestPrimeFactor = 1000;
constexpr int kStripValues = 1 << 16;  // of the result, computed at once: they stay in the cache

TaskDecl declaration() {
  return {.name = "fft",
          .doc =
              "Discrete Fourier transform of the picture, in float32: its magnitude, or forward and back. Takes sides "
              "up to 2^20 and, padded, 2^30 pixels; while it works, it takes 4 bytes for each of them beside the input "
              "and the result (24,160 x 25,720: 2.5 GB). A result of 32f at that size has 2.5 GB; a frame may have 4 "
              "GiB, and who reads such frames needs twice their size as 'memory', or none stated. A NaN or "
              "infinity leaves no finite value in its plane; 8u is black then.",
          .params = params().specs()};
}

class Fft : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    gray_ = options_.channels == "gray";
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_planes(env_, frame, gray_));
    RIDE_ASSIGN(const cv::Size size, spectrum_size(frame));
    const cv::Mat& in = frame.image;
    const int planes = plane_count(in, gray_);
    const bool back = options_.output == "roundtrip";
    const int depth = back ? in.depth() : options_.depth == "8u" ? CV_8U : CV_32F;
    const cv::Size wanted = back ? in.size() : size;
    RIDE_TRY(expect_output_fits(env_, frame, wanted.width, wanted.height, CV_MAKETYPE(depth, planes)));
    cv::Mat result = out.allocate(wanted.height, wanted.width, CV_MAKETYPE(depth, planes));
    Spectrum spectrum(size, {.threads = env_.threads, .progress = [&] { out.progress(); }});
    for (int c = 0; c < planes; ++c) {
      spectrum.forward({&in, gray_, c});
      if (back)
        write_back(spectrum, result, c);
      else
        write_magnitude(spectrum, result, c, out);
    }
    out.emit(with_image(frame, std::move(result)));
    return {};
  }

 private:
  Result<cv::Size> spectrum_size(const Frame& frame) const {
    const cv::Size in = frame.image.size();
    const auto refused = [&](ErrorCode code, const std::string& why) {
      return Error{code, fmt::format("{}: a picture of {} {}", place(env_, frame), shape_text(frame.image), why)};
    };
    if (std::max(in.width, in.height) > kLongestSide)
      return refused(ErrorCode::unsupported,
                     fmt::format("has a side above {}; cut it into parts first (crop)", kLongestSide));
    cv::Size size = in;
    if (options_.pad == "optimal") size = {cv::getOptimalDFTSize(in.width), cv::getOptimalDFTSize(in.height)};
    if (std::int64_t{size.width} * size.height > kMostValues)
      return refused(ErrorCode::resource_exhausted,
                     fmt::format("has a spectrum of {} x {} values, above 2^30; make it smaller first (crop, resize)",
                                 size.width, size.height));
    for (const int side : {size.width, size.height}) {
      if (const int factor = largest_prime_factor(side); factor > kLargestPrimeFactor)
        return refused(ErrorCode::unsupported,
                       fmt::format("has a side with the prime factor {}, whose transform takes too long; set 'pad' to "
                                   "optimal, or crop it",
                                   factor));
    }
    return size;
  }

  static void write_back(Spectrum& spectrum, cv::Mat& result, int channel) {
    spectrum.inverse([&](int first, const cv::Mat& rows) {
      const cv::Rect part(0, first, result.cols, std::min(rows.rows, result.rows - first));
      if (part.height <= 0) return;
      cv::Mat values;
      rows(cv::Rect(0, 0, part.width, part.height)).convertTo(values, result.depth());
      write_plane(values, result, part, channel);
    });
  }

  void write_magnitude(Spectrum& spectrum, cv::Mat& result, int channel, Emitter& out) const {
    const FiniteRange range = spectrum.to_magnitudes(options_.scale == "log");
    const int height = std::max(1, kStripValues / result.cols);
    const auto write = [&](int strip) {
      const cv::Rect part(0, strip * height, result.cols, std::min(height, result.rows - strip * height));
      cv::Mat values(part.size(), CV_32FC1), bytes;
      spectrum.magnitude_rows(part.y, options_.centered, values);
      if (result.depth() != CV_8U) return write_plane(values, result, part, channel);
      bytes.create(part.size(), CV_8UC1);
      view_of(values, range, bytes);
      write_plane(bytes, result, part, channel);
    };
    in_batches((result.rows - 1) / height + 1, env_.threads, write, [&] { out.progress(); });
  }

  TaskEnv env_;
  Options options_;
  bool gray_ = true;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Fft)

}  // namespace ride::tasks::fft
