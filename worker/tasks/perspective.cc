// perspective: 8U, 16U or 32F, 1 to 4 channels; bilinear interpolation (warp.h). The mapping is the projective one
// of the two quadrilaterals, by way of the unit square (Heckbert, "Fundamentals of texture mapping and image warping",
// 1989), in doubles. What would lie behind the horizon is filled.
#include <spdlog/fmt/fmt.h>

#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <vector>

#include "worker/tasks/color.h"
#include "worker/tasks/crossing.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"
#include "worker/tasks/warp.h"

namespace ride::tasks::perspective {
namespace {

struct Options {
  std::string from;
  std::string to = "0,0 1,0 1,1 0,1";
  int width = 0;
  int height = 0;
  std::string fill = "#000000";
};

// Twice the area of the triangle at each corner, in shares of the picture: below it three corners are on one line.
constexpr double kFlat = 1e-4;

// Empty, or what is wrong with four corners.
std::string quad_problem(const std::string& text) {
  const auto corners = parse_zone(text);
  if (!corners) return corners.error().message;
  if (corners->size() != 4) return fmt::format("{} corners are given; four are needed", corners->size());
  int clockwise = 0;
  for (int i = 0; i < 4; ++i) {
    const Spot &a = (*corners)[i], &b = (*corners)[(i + 1) % 4], &c = (*corners)[(i + 2) % 4];
    const double turn = (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x);
    if (std::abs(turn) < kFlat) return "three of its corners lie on one line, or nearly: nothing can be stretched so";
    clockwise += turn > 0 ? 1 : -1;
  }
  if (clockwise == 4 || clockwise == -4) return "";
  return "its sides cross, or a corner points inwards; name the corners one after the other around a shape that bulges "
         "everywhere";
}

std::optional<std::string> quad_rule(const ParamValue& value) {
  const std::string problem = quad_problem(std::get<std::string>(value));
  return problem.empty() ? std::nullopt : std::optional(problem);
}

constexpr const char* kQuadDoc = "four corners of a convex quadrilateral, \"x,y x,y x,y x,y\", each from 0 to 1";

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"from",
       &Options::from,
       "Four corners in the picture, for example of a sheet of paper: top left, top right, bottom right, bottom left "
       "as "
       "they shall lie, in shares of its width and height, 0 to 1 from the top left",
       {.rule = quad_rule, .rule_doc = kQuadDoc, .required = true}},
      {"to",
       &Options::to,
       "Where these corners come to lie, in shares of the result; the default: they become its corners",
       {.rule = quad_rule, .rule_doc = kQuadDoc}},
      {"width", &Options::width, "Columns of the result; 0: as many as the picture", {.min = 0, .max = 65535}},
      {"height", &Options::height, "Rows of the result; 0: as many as the picture", {.min = 0, .max = 65535}},
      color_param("fill", &Options::fill, "Color of what lies outside the picture")};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "perspective",
          .doc =
              "Changes the perspective: four corners of the picture come to lie at four places of the result, straight "
              "lines stay straight. So a sheet, sign or field that was seen from the side is seen from the front. What "
              "lies around the corners comes along as far as it has a place. Depth and channels unchanged.",
          .params = params().specs()};
}

// The unit square's corners (0,0), (1,0), (1,1), (0,1) to these, in homogeneous coordinates.
cv::Matx33d square_to(const std::vector<Spot>& q) {
  const double dx1 = q[1].x - q[2].x, dx2 = q[3].x - q[2].x, sx = q[0].x - q[1].x + q[2].x - q[3].x;
  const double dy1 = q[1].y - q[2].y, dy2 = q[3].y - q[2].y, sy = q[0].y - q[1].y + q[2].y - q[3].y;
  const double area = dx1 * dy2 - dx2 * dy1;  // not 0: no three corners are on one line
  const double g = (sx * dy2 - dx2 * sy) / area, h = (dx1 * sy - sx * dy1) / area;
  return {q[1].x - q[0].x + g * q[1].x,
          q[3].x - q[0].x + h * q[3].x,
          q[0].x,
          q[1].y - q[0].y + g * q[1].y,
          q[3].y - q[0].y + h * q[3].y,
          q[0].y,
          g,
          h,
          1};
}

class Perspective : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    RIDE_ASSIGN(const auto from, parse_zone(options_.from));
    RIDE_ASSIGN(const auto to, parse_zone(options_.to));
    back_ = square_to(from) * square_to(to).inv();
    // Above 0 on this side of the horizon, which the corners are on.
    const double at_corner = back_(2, 0) * to[0].x + back_(2, 1) * to[0].y + back_(2, 2);
    back_ = back_ * (1 / at_corner);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}));
    const cv::Mat& in = frame.image;
    const int width = options_.width > 0 ? options_.width : in.cols;
    const int height = options_.height > 0 ? options_.height : in.rows;
    RIDE_TRY(expect_output_fits(env_, frame, width, height, in.type()));
    cv::Mat seen = out.allocate(height, width, in.type());
    warp(in, from_pixels_to_pixels(seen, in), color_in(seen, options_.fill), seen, env_.threads,
         [&out] { out.progress(); });
    out.emit(with_image(frame, std::move(seen)));
    return {};
  }

 private:
  // Pixels are where their middles are: column 0 of n at the share 0.5 / n.
  Projection from_pixels_to_pixels(const cv::Mat& seen, const cv::Mat& in) const {
    const double width = seen.cols, height = seen.rows;
    const cv::Matx33d to_shares(1 / width, 0, 0.5 / width, 0, 1 / height, 0.5 / height, 0, 0, 1);
    const cv::Matx33d to_pixels(in.cols, 0, -0.5, 0, in.rows, -0.5, 0, 0, 1);
    const cv::Matx33d all = to_pixels * back_ * to_shares;
    const auto row = [&all](int i) { return std::array<double, 3>{all(i, 0), all(i, 1), all(i, 2)}; };
    return {row(0), row(1), row(2)};
  }

  TaskEnv env_;
  Options options_;
  cv::Matx33d back_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Perspective)

}  // namespace ride::tasks::perspective
