// matmul: 8U, 16U or 32F, 1 to 4 channels, in float32; matrix_product.h has the method and its error.
#include <spdlog/fmt/fmt.h>

#include "common/log.h"
#include "worker/tasks/blas.h"
#include "worker/tasks/input_file.h"
#include "worker/tasks/matrix_product.h"
#include "worker/tasks/npy_file.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/planes.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::matmul {
namespace {

struct Options {
  std::string with = "transpose";
  std::string file;
  std::string channels = "gray";
  std::string output = "values";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"with",
       &Options::with,
       "The right-hand matrix: transpose (of the picture: defined for every shape, the result has as many rows and "
       "columns as the picture has rows), itself (square pictures only), or file",
       {.choices = {"transpose", "itself", "file"}}},
      {"file",
       &Options::file,
       "Path of the matrix, as many rows as the picture has columns: a NumPy .npy file, 2-D, float32 or float64, up to "
       "2^28 values; every partition reads its own copy when it opens",
       {.file = InputFile{locate_path, 2 * kMostNpyBytes + static_cast<std::int64_t>(kMostNpyHead)}}},
      channels_param(&Options::channels),
      {"output",
       &Options::output,
       "values: the sums as 32F; view: stretched over 8 bits, the least 0, the largest 255",
       {.choices = {"values", "view"}}}};
  return kParams;
}

std::optional<std::string> file_goes_with_file(const ParamValues& values) {
  const auto options = params().read(values);
  if (options.with == "file" && options.file.empty()) return "with: file needs 'file', the path of a .npy file";
  if (options.with != "file" && !options.file.empty())
    return fmt::format("'file' is not used with: {}; set 'with' to file, or leave 'file' out", options.with);
  return std::nullopt;
}

TaskDecl declaration() {
  return {
      .name = "matmul",
      .doc =
          "Product of the picture's matrix with its transpose, itself or a matrix from a file, in float32 "
          "(OpenBLAS). 8-bit values count 0 to 255, 16-bit ones 0 to 65535. The result may have 4 GiB, what a "
          "frame may have: up to 32,767 x 32,767 sums; a larger one is an error of the frame. A picture of 24,160 x "
          "25,720 by its transpose gives 2.3 GB after 1.5e13 flop, minutes on a core; who reads such frames needs "
          "twice their size as 'memory', or none stated.",
      .params = params().specs(),
      .rule = file_goes_with_file};
}

class Matmul : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    gray_ = options_.channels == "gray";
    if (options_.with == "file") {
      auto matrix = read_npy(file_for(env, "file", options_.file));
      if (!matrix) return Error{matrix.error().code, fmt::format("stage '{}': {}", env.stage, matrix.error().message)};
      matrix_ = *matrix;
    }
    if (!why_no_openblas().empty())
      log_warning(
          "stage '{}': OpenBLAS is not there ({}), so that products may take 15 times as long; install "
          "Debian's libopenblas0-serial",
          env.stage, why_no_openblas());
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_planes(env_, frame, gray_));
    RIDE_TRY(expect_fitting(frame));
    const cv::Mat& in = frame.image;
    const int planes = plane_count(in, gray_);
    const cv::Size size(result_cols(in), in.rows);
    const bool view = options_.output == "view";
    RIDE_TRY(expect_output_fits(env_, frame, size.width, size.height, CV_MAKETYPE(CV_32F, view ? 1 : planes)));
    cv::Mat result = out.allocate(size.height, size.width, CV_MAKETYPE(view ? CV_8U : CV_32F, planes));
    cv::Mat sums;
    if (view) sums.create(size, CV_32FC1);
    for (int c = 0; c < planes; ++c) {
      if (!view) {
        multiply_plane(in, c, result, c, out);
        continue;
      }
      multiply_plane(in, c, sums, 0, out);
      write_view(sums, result, c, out);
    }
    out.emit(with_image(frame, std::move(result)));
    return {};
  }

 private:
  int result_cols(const cv::Mat& in) const {
    return options_.with == "file" ? matrix_.cols : options_.with == "itself" ? in.cols : in.rows;
  }

  Result<void> expect_fitting(const Frame& frame) const {
    const cv::Mat& in = frame.image;
    if (options_.with == "itself" && in.rows != in.cols)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{}: a picture of {} is not square, so it has no product with itself; set 'with' to "
                               "transpose, or crop it",
                               place(env_, frame), shape_text(in))};
    if (options_.with == "file" && in.cols != matrix_.rows)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{}: a picture of {} columns and the matrix '{}' of {} x {} (rows x columns) have no "
                               "product; the matrix needs as many rows as the picture has columns",
                               place(env_, frame), in.cols, options_.file, matrix_.rows, matrix_.cols)};
    return {};
  }

  void multiply_plane(const cv::Mat& in, int plane, cv::Mat& to, int channel, Emitter& out) const {
    const Plane left{&in, gray_, plane};
    const Plane right = options_.with == "file" ? Plane{&matrix_, false, 0} : left;
    multiply(left, right, options_.with == "transpose", to, channel,
             {.threads = env_.threads, .progress = [&] { out.progress(); }});
  }

  static void write_view(const cv::Mat& sums, cv::Mat& to, int channel, Emitter& out) {
    FiniteRange range;
    const int strip = strip_rows(sums.cols);
    for (int y = 0; y < sums.rows; y += strip) {
      const int end = std::min(sums.rows, y + strip);
      for (int row = y; row < end; ++row) range.add(sums.ptr<float>(row), sums.cols);
      out.progress();
    }
    cv::Mat bytes;
    for (int y = 0; y < sums.rows; y += strip) {
      const cv::Mat some = sums.rowRange(y, std::min(sums.rows, y + strip));
      bytes.create(some.size(), CV_8UC1);
      view_of(some, range, bytes);
      write_plane(bytes, to, {0, y, some.cols, some.rows}, channel);
      out.progress();
    }
  }

  static int strip_rows(int cols) { return std::max(1, (1 << 22) / cols); }

  TaskEnv env_;
  Options options_;
  bool gray_ = true;
  cv::Mat matrix_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Matmul)

}  // namespace ride::tasks::matmul
