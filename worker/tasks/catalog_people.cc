// Declarations of the tasks that find people and show what was found.
#include "worker/tasks/declarations.h"

namespace ride::tasks {
namespace {

std::optional<std::string> hex_color(const ParamValue& value) {
  const auto& text = std::get<std::string>(value);
  const bool shaped = text.size() == 7 && text[0] == '#';
  if (shaped && text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos) return std::nullopt;
  return "a color is written as #rrggbb, for example \"#00ff00\"";
}

std::optional<std::string> multiple_of_8(const ParamValue& value) {
  if (std::get<std::int64_t>(value) % 8 == 0) return std::nullopt;
  return "a multiple of 8 is needed, the side of a cell";
}

// Measured on Debian's vtest.avi (768x576), one core, against a pass with pyramid_scale 1.05 and group_threshold 2 (7
// frames/s): 1.15 and 1 do 18.5 frames/s and find 88 % of its boxes (IoU >= 0.5), 92 % of their own are among them. A
// smaller input finds far fewer (scale 0.75: 28 %), since people there are hardly taller than the detector's window of
// 128 pixels.
TaskDecl detect_people() {
  return {
      .name = "detect_people",
      .doc =
          "Finds standing people with OpenCV's HOG detector (Dalal and Triggs, 2005) and leaves the picture as it is. "
          "Attribute 'detections': a JSON list of {\"label\",\"score\",\"box\":[x,y,width,height]} in pixels of the "
          "picture, best first; the score is the distance to the classifier's context. People under about 100 pixels "
          "of height are missed.",
      .params = {{.name = "scale",
                  .type = ParamType::number,
                  .doc = "Factor by which the picture is resized before the search; above 1 finds smaller people",
                  .default_value = 1.0,
                  .min = 0.1,
                  .max = 4},
                 {.name = "stride",
                  .type = ParamType::integer,
                  .doc = "Step of the search window, in pixels",
                  .default_value = std::int64_t{8},
                  .min = 8,
                  .max = 64,
                  .rule = multiple_of_8,
                  .rule_doc = "a multiple of 8"},
                 {.name = "padding",
                  .type = ParamType::integer,
                  .doc = "Pixels added around the picture, for people at its edge",
                  .default_value = std::int64_t{0},
                  .min = 0,
                  .max = 64,
                  .rule = multiple_of_8,
                  .rule_doc = "a multiple of 8"},
                 {.name = "pyramid_scale",
                  .type = ParamType::number,
                  .doc = "Factor between the sizes searched; nearer to 1 finds more and takes longer",
                  .default_value = 1.15,
                  .min = 1.01,
                  .max = 2},
                 {.name = "hit_threshold",
                  .type = ParamType::number,
                  .doc = "Score from which a window counts",
                  .default_value = 0.0,
                  .min = -10,
                  .max = 10},
                 {.name = "group_threshold",
                  .type = ParamType::integer,
                  .doc = "Overlapping windows needed beyond the first for one detection; 0: every window counts",
                  .default_value = std::int64_t{1},
                  .min = 0,
                  .max = 100}}};
}

TaskDecl draw_detections() {
  return {
      .name = "draw_detections",
      .doc =
          "Draws the boxes of the attribute 'detections' with label and score. A frame without it, or with an empty "
          "list, is passed on as it came.",
      .params = {{.name = "thickness",
                  .type = ParamType::integer,
                  .doc = "Width of the lines, in pixels",
                  .default_value = std::int64_t{2},
                  .min = 1,
                  .max = 50},
                 {.name = "color",
                  .doc = "Color of boxes and text, as #rrggbb; pictures of one channel get its brightness",
                  .default_value = std::string("#00ff00"),
                  .rule = hex_color,
                  .rule_doc = "#rrggbb"},
                 {.name = "label",
                  .type = ParamType::boolean,
                  .doc = "Write label and score above each box",
                  .default_value = true}}};
}

}  // namespace

std::vector<TaskDecl> people_declarations() { return {detect_people(), draw_detections()}; }

}  // namespace ride::tasks
