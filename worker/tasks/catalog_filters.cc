// Declarations of the tasks that turn a picture into a picture.
#include "worker/tasks/declarations.h"

namespace ride::tasks {
namespace {

std::optional<std::string> odd(const ParamValue& value) {
  if (std::get<std::int64_t>(value) % 2 != 0) return std::nullopt;
  return "an odd number is needed, so that the window has a middle";
}

std::optional<std::string> sobel_aperture(const ParamValue& value) {
  const auto aperture = std::get<std::int64_t>(value);
  if (aperture == 3 || aperture == 5 || aperture == 7) return std::nullopt;
  return "3, 5 or 7 is allowed";
}

std::optional<std::string> canny_thresholds(const ParamValues& values) {
  if (get_number(values, "low") <= get_number(values, "high")) return std::nullopt;
  return "'low' is above 'high'; swap them";
}

std::optional<std::string> resize_size(const ParamValues& values) {
  const bool by_size = get_int(values, "width") > 0 || get_int(values, "height") > 0;
  const bool by_scale = get_number(values, "scale") > 0;
  if (by_size && by_scale) return "both a size and 'scale' are given; keep one of them";
  if (!by_size && !by_scale) return "no size is given; set 'width', 'height' or both, or 'scale'";
  return std::nullopt;
}

int no_halo(const ParamValues&) { return 0; }
int half_window(const ParamValues& values) { return static_cast<int>(get_int(values, "ksize")) / 2; }

ParamSpec window(std::int64_t default_ksize) {
  return {.name = "ksize",
          .type = ParamType::integer,
          .doc = "Side of the square window, in pixels",
          .default_value = default_ksize,
          .min = 1,
          .max = 201,
          .rule = odd,
          .rule_doc = "odd"};
}

TaskDecl identity() {
  return {.name = "identity", .doc = "Passes each frame on as it came, encoded bytes included.", .halo = no_halo};
}

TaskDecl delay() {
  return {
      .name = "delay",
      .doc =
          "Passes each frame on unchanged after a stated time: for measurements of scaling and of slow tasks, and, "
          "with "
          "`progress: false`, for a look at what becomes of a frame that hangs.",
      .params =
          {{.name = "ms",
            .type = ParamType::number,
            .doc = "Time that each frame takes, in milliseconds",
            .default_value = 10.0,
            .min = 0,
            .max = 600000},
           {.name = "busy",
            .type = ParamType::boolean,
            .doc = "Keep a core busy for that time instead of sleeping",
            .default_value = false},
           {.name = "progress",
            .type = ParamType::boolean,
            .doc = "Report progress twice a second; without it, a frame that takes longer than `frame_timeout` hangs",
            .default_value = true},
           {.name = "frame",
            .type = ParamType::integer,
            .doc = "Number of the only frame of each source that takes the time, counted from 0; -1: each does",
            .default_value = std::int64_t{-1},
            .min = -1}},
      .halo = no_halo};
}

TaskDecl grayscale() {
  return {.name = "grayscale",
          .doc =
              "Brightness of the picture as one channel, 0.114 B + 0.587 G + 0.299 R (ITU-R BT.601); depth unchanged. "
              "A picture of one channel is passed on as it came.",
          .halo = no_halo};
}

TaskDecl gaussian_blur() {
  return {
      .name = "gaussian_blur",
      .doc =
          "Smooths with a Gaussian window; pixels outside the picture are mirrored (reflect101). Depth and channels "
          "unchanged.",
      .params = {window(5),
                 {.name = "sigma",
                  .type = ParamType::number,
                  .doc = "Standard deviation of the Gaussian, in pixels; 0 derives 0.3 ((ksize - 1) / 2 - 1) + 0.8",
                  .default_value = 0.0,
                  .min = 0,
                  .max = 1000}},
      .halo = half_window};
}

TaskDecl stddev_filter() {
  return {
      .name = "stddev_filter",
      .doc =
          "Local standard deviation sqrt(E[x^2] - E[x]^2) of each channel in a square window, rounded to the nearest "
          "value of the input's depth; pixels outside the picture are mirrored (reflect101).",
      .params = {window(7)},
      .halo = half_window};
}

TaskDecl canny() {
  return {
      .name = "canny",
      .doc =
          "Edges after Canny (1986), 255 on an edge and 0 elsewhere, one channel of 8 bits; of several channels the "
          "strongest gradient counts. Takes 8-bit pictures.",
      .params = {{.name = "low",
                  .type = ParamType::number,
                  .doc = "Gradient from which a pixel continues an edge",
                  .default_value = 50.0,
                  .min = 0},
                 {.name = "high",
                  .type = ParamType::number,
                  .doc = "Gradient from which a pixel starts an edge",
                  .default_value = 150.0,
                  .min = 0},
                 {.name = "aperture",
                  .type = ParamType::integer,
                  .doc = "Side of the Sobel window, in pixels",
                  .default_value = std::int64_t{3},
                  .min = 3,
                  .max = 7,
                  .rule = sobel_aperture,
                  .rule_doc = "3, 5 or 7"},
                 {.name = "l2gradient",
                  .type = ParamType::boolean,
                  .doc = "Length of the gradient as sqrt(dx^2 + dy^2) instead of |dx| + |dy|",
                  .default_value = false}},
      .rule = canny_thresholds};
}

TaskDecl resize() {
  return {.name = "resize",
          .doc =
              "Changes the size of the picture: to a width and a height, to one of them (the other follows), or by a "
              "factor.",
          .params = {{.name = "width",
                      .type = ParamType::integer,
                      .doc = "Wanted width, in pixels; 0: follows from the height",
                      .default_value = std::int64_t{0},
                      .min = 0,
                      .max = 65535},
                     {.name = "height",
                      .type = ParamType::integer,
                      .doc = "Wanted height, in pixels; 0: follows from the width",
                      .default_value = std::int64_t{0},
                      .min = 0,
                      .max = 65535},
                     {.name = "scale",
                      .type = ParamType::number,
                      .doc = "Factor for both sides; 0: not used",
                      .default_value = 0.0,
                      .min = 0,
                      .max = 64},
                     {.name = "interpolation",
                      .doc = "How values between pixels are found; area is best for making pictures smaller",
                      .default_value = std::string("linear"),
                      .choices = {"nearest", "linear", "area", "cubic"}},
                     {.name = "keep_aspect",
                      .type = ParamType::boolean,
                      .doc = "With both width and height: fit the picture into them and keep its proportions",
                      .default_value = true}},
          .rule = resize_size};
}

TaskDecl motion() {
  return {
      .name = "motion",
      .doc =
          "Compares each frame with the previous one of its source and gives the share of pixels that changed, as "
          "attribute 'motion' (frame difference in 8-bit brightness).",
      .params = {{.name = "threshold",
                  .type = ParamType::number,
                  .doc = "A pixel has changed when its brightness differs by more than this, of 255",
                  .default_value = 25.0,
                  .min = 0,
                  .max = 254},
                 {.name = "emit",
                  .doc = "Every frame, only frames that move, or the mask of what changed (8-bit, 255 where it did)",
                  .default_value = std::string("all"),
                  .choices = {"all", "mask", "moving"}},
                 {.name = "min_area",
                  .type = ParamType::number,
                  .doc = "With emit: moving, the share of pixels that must have changed",
                  .default_value = 0.005,
                  .min = 0,
                  .max = 1}},
      .needs_order = true,
      .warmup_frames = 1};
}

}  // namespace

std::vector<TaskDecl> filter_declarations() {
  return {identity(), delay(), grayscale(), gaussian_blur(), stddev_filter(), canny(), resize(), motion()};
}

}  // namespace ride::tasks
