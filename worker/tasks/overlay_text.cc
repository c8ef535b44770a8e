// overlay_text: 8U, 16U or 32F, 1, 3 or 4 channels; a copy of the picture with a line of text.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/text.h"
#include "common/units.h"
#include "worker/tasks/color.h"
#include "worker/tasks/path_template.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::overlay_text {
namespace {

struct Options {
  std::string text = "{source} {time}";
  std::string position = "top_left";
  double size = 20;
  std::string color = "#ffffff";
  bool background = true;
};

constexpr std::size_t kMaxText = 256;        // characters drawn
constexpr std::size_t kMostTemplate = 1000;  // bytes

const std::vector<std::string>& text_fields() {
  static const std::vector<std::string> kFields = {"job", "stage", "source", "session", "seq", "time", "date", "clock"};
  return kFields;
}

std::optional<std::string> text_rule(const ParamValue& value) {
  const auto text = PathTemplate::parse(std::get<std::string>(value), text_fields());
  if (!text) return text.error().message;
  if (std::get<std::string>(value).size() > kMostTemplate)
    return fmt::format("has more than {} bytes; {} characters are drawn at most", kMostTemplate, kMaxText);
  return std::nullopt;
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"text",
       &Options::text,
       "The text, with {job} {stage} {source} {session} {seq} filled in ({seq:06}: with zeros), and the time of "
       "capture "
       "in UTC: {time}, or its parts {date} and {clock}",
       {.rule = text_rule, .rule_doc = "at most 1000 bytes, no other placeholders"}},
      {"position",
       &Options::position,
       "Where on the picture",
       {.choices = {"top_left", "top_right", "bottom_left", "bottom_right", "center"}}},
      {"size", &Options::size, "Height of a capital letter, in pixels", {.min = 4, .max = 1000}},
      color_param("color", &Options::color, "Color of the text"),
      {"background", &Options::background, "A bar behind the text: black, or white behind dark text"}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "overlay_text",
      .doc =
          "Writes a line of text on a copy of the picture, for example the source and the time of capture. What has "
          "no place on the picture is cut; characters that are not ASCII become '?'.",
      .params = params().specs()};
}

constexpr double kCapitalHeight = 21;  // pixels of a capital letter of the font at scale 1

// The font has ASCII only; `text` is UTF-8.
std::string drawable(const std::string& text) {
  std::string drawn;
  for (const char byte : text) {
    const bool continues_a_character = (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
    if (drawn.size() < kMaxText && !continues_a_character)
      drawn += static_cast<unsigned char>(byte) < 0x80 ? byte : '?';
  }
  return drawn;
}

class OverlayText : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    RIDE_ASSIGN(text_, PathTemplate::parse(options_.text, text_fields()));
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}));
    cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    frame.image.copyTo(picture);
    write(drawable(one_line(text_->fill_in(fields_of(frame)))), picture);
    out.emit(with_image(frame, std::move(picture)));
    return {};
  }

 private:
  std::map<std::string, std::string> fields_of(const Frame& frame) const {
    const std::string time = format_time(frame.captured_at);  // 2026-11-21T08:00:00.000000Z
    return {{"job", env_.job},
            {"stage", env_.stage},
            {"source", frame.id.source.substr(0, 4 * kMaxText)},  // foreign; a character has at most four bytes
            {"session", std::to_string(frame.id.session.value)},
            {"seq", std::to_string(frame.id.number)},
            {"time", time},
            {"date", time.substr(0, 10)},
            {"clock", time.substr(11, 12)}};
  }

  void write(const std::string& text, cv::Mat& picture) const {
    const double scale = options_.size / kCapitalHeight;
    const int thickness = std::max(1, cvRound(options_.size / 12)), margin = std::max(2, cvRound(options_.size / 4));
    int below = 0;
    const cv::Size drawn = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, thickness, &below);
    const cv::Size bar(drawn.width + 2 * margin, drawn.height + below + 2 * margin);
    const cv::Point corner = corner_of(bar, picture.size());
    if (options_.background)
      cv::rectangle(picture, cv::Rect(corner, bar), color_in(picture, contrasting(options_.color)), cv::FILLED);
    cv::putText(picture, text, corner + cv::Point(margin, margin + drawn.height), cv::FONT_HERSHEY_SIMPLEX, scale,
                color_in(picture, options_.color), thickness, cv::LINE_8);
  }

  // What is longer than the picture begins at its left edge.
  cv::Point corner_of(const cv::Size& bar, const cv::Size& picture) const {
    const auto& position = options_.position;
    const int right = std::max(0, picture.width - bar.width), bottom = std::max(0, picture.height - bar.height);
    if (position == "center") return {right / 2, bottom / 2};
    return {position.ends_with("right") ? right : 0, position.starts_with("bottom") ? bottom : 0};
  }

  TaskEnv env_;
  Options options_;
  std::optional<PathTemplate> text_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, OverlayText)

}  // namespace ride::tasks::overlay_text
