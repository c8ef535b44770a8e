// count: how many tracks cross a line, by direction, and how many are in a zone. Each frame carries what happened in
// it, so that sums over frames are exact whoever computed them: the platform delivers each frame once (decision 0033).
// A track is on one side of the line when it is beyond `tolerance`; it crosses when it is found beyond it on the other
// side, if the straight way between the two places cuts the line between its ends. State, for each source: where each
// track was last beyond the tolerance, for 30 frames, so that a new owner knows the same (decision 0012).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>
#include <set>

#include "common/json.h"
#include "common/source_file.h"
#include "worker/tasks/color.h"
#include "worker/tasks/crossing.h"
#include "worker/tasks/detections.h"
#include "worker/tasks/label_list.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::count {
namespace {

constexpr int kWarmup = 30;

struct Options {
  std::string line;
  std::string zone;
  std::string labels = "*";
  std::string anchor = "bottom";
  double tolerance = 0.01;
  std::string attribute = "counts";
  bool draw = false;
  std::string color = "#ffff00";
};

std::optional<std::string> line_rule(const ParamValue& value) {
  const auto& text = std::get<std::string>(value);
  if (text.empty()) return std::nullopt;
  const auto line = parse_line(text);
  return line ? std::nullopt : std::optional(line.error().message);
}

std::optional<std::string> zone_rule(const ParamValue& value) {
  const auto& text = std::get<std::string>(value);
  if (text.empty()) return std::nullopt;
  const auto zone = parse_zone(text);
  return zone ? std::nullopt : std::optional(zone.error().message);
}

std::optional<std::string> attribute_rule(const ParamValue& value) {
  const auto& name = std::get<std::string>(value);
  if (name.empty() || name.size() > 32 || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") < name.size())
    return "1 to 32 of a-z, 0-9 and _ are allowed";
  // What others write. (kSourceFileAttribute is the file that messages and names of files are about.)
  for (const char* taken : {kDetectionsAttribute, kSourceFileAttribute, "keypoints", "qr", "motion"})
    if (name == taken) return "another task, or the source, writes there";
  return std::nullopt;
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"line",
       &Options::line,
       "Line that is crossed, \"x1,y1,x2,y2\" in shares of the picture (0,0 is the top left corner, 1,1 the bottom "
       "right one). 'in' is from its left to its right side, seen from the first point to the second: with "
       "\"0,0.5,1,0.5\" downwards",
       {.rule = line_rule, .rule_doc = "two points, each number from 0 to 1"}},
      {"zone",
       &Options::zone,
       "Polygon in which tracks are counted, \"x1,y1 x2,y2 x3,y3\" in shares of the picture",
       {.rule = zone_rule, .rule_doc = "3 to 64 points, each number from 0 to 1"}},
      labels_param(&Options::labels, "Which detections, by label"),
      {"anchor",
       &Options::anchor,
       "Where an object is: the middle of its box, or of the box's lower side (feet, wheels)",
       {.choices = {"bottom", "center"}}},
      {"tolerance",
       &Options::tolerance,
       "Distance from the line, as a share of the picture's height, within which a track is on neither side; keeps "
       "who stands there from being counted again and again",
       {.min = 0, .max = 0.5}},
      {"attribute",
       &Options::attribute,
       "Name of the attribute that is written; another one for each of several stages that count",
       {.rule = attribute_rule, .rule_doc = "1 to 32 of a-z, 0-9 and _"}},
      {"draw", &Options::draw, "Draw line, zone and numbers"},
      color_param("color", &Options::color, "Color of what is drawn")};
  return kParams;
}

std::optional<std::string> rule(const ParamValues& values) {
  if (!get_string(values, "line").empty() || !get_string(values, "zone").empty()) return std::nullopt;
  return "neither 'line' nor 'zone' is given; give one, or both";
}

TaskDecl declaration() {
  return {.name = "count",
          .doc =
              "Counts the tracks (task track) that cross a line in this frame, by direction, and those that are in a "
              "zone. Attribute 'counts': {\"in\",\"out\",\"crossed\":[{\"track\",\"direction\"}],\"inside\","
              "\"total\":{\"in\",\"out\",\"since\"}}. 'in' and 'out' are of this frame alone: their sum over frames is "
              "exact over failovers, while 'total' is what this worker saw since the frame 'since' of the session.",
          .params = params().specs(),
          .needs_order = true,
          .warmup_frames = kWarmup,
          .rule = rule};
}

struct Side {
  std::int64_t time = 0;
  bool right = false;
  Spot spot;
};

// What is known of a source.
struct Counted {
  SessionId session;
  std::int64_t time = 0;   // pictures
  std::int64_t since = 0;  // number of the session's first frame here
  std::int64_t in = 0, out = 0;
  std::map<std::string, Side> sides;  // by track
};

struct Crossing {
  std::string track;
  bool in = false;
};

class Count : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    labels_ = LabelList(options_.labels);
    if (!options_.line.empty()) {
      RIDE_ASSIGN(line_, parse_line(options_.line));
    }
    if (!options_.zone.empty()) {
      RIDE_ASSIGN(zone_, parse_zone(options_.zone));
    }
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    Counted& source = at_time_of(frame);
    RIDE_ASSIGN(const auto found, tracked(frame));
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}));
    const PictureSize size{static_cast<double>(frame.image.cols), static_cast<double>(frame.image.rows)};
    std::vector<Crossing> crossings;
    std::int64_t inside = 0;
    for (const Detection& one : found) {
      const Spot spot = spot_of(one, size);
      if (line_) follow(source, one.track, spot, size, crossings);
      if (!zone_.empty() && lies_in(zone_, spot)) ++inside;
    }
    for (const Crossing& crossing : crossings) ++(crossing.in ? source.in : source.out);
    std::erase_if(source.sides, [&](const auto& side) { return source.time - side.second.time >= kWarmup; });
    return emit(frame, source, crossings, inside, out);
  }

 private:
  // Each picture that comes counts, also one that cannot be read: a new owner is fed the same ones.
  Counted& at_time_of(const Frame& frame) {
    const auto [at, is_new] = sources_.try_emplace(frame.id.source);
    Counted& source = at->second;
    if (is_new || source.session != frame.id.session)
      source = {.session = frame.id.session, .since = frame.id.number};
    else
      ++source.time;
    return source;
  }

  // Of the frame's detections those that have a listed label and a track.
  Result<std::vector<Detection>> tracked(const Frame& frame) const {
    RIDE_ASSIGN(auto found, required_detections(env_, frame));
    std::erase_if(found, [&](const Detection& one) { return one.track.empty() || !labels_.holds(one.label); });
    std::set<std::string> names;
    for (const Detection& one : found) {
      if (!names.insert(one.track).second)
        return corrupt(fmt::format("{}: two detections have the track '{}'; look at the task that writes them",
                                   place(env_, frame), one.track));
    }
    return found;
  }

  Spot spot_of(const Detection& one, PictureSize size) const {
    const double down = options_.anchor == "bottom" ? one.height : one.height / 2;
    return {(one.x + one.width / 2) / size.width, (one.y + down) / size.height};
  }

  void follow(Counted& source, const std::string& track, const Spot& spot, PictureSize size,
              std::vector<Crossing>& crossings) const {
    const double distance = distance_right_of(*line_, spot, size);
    if (!(std::abs(distance) > options_.tolerance * size.height)) return;  // on the line, or no number
    const Side now{source.time, distance > 0, spot};
    const auto [before, is_new] = source.sides.try_emplace(track, now);
    if (is_new) return;
    if (before->second.right != now.right && cuts(*line_, before->second.spot, spot, size))
      crossings.push_back({track, now.right});
    before->second = now;
  }

  Result<void> emit(const Frame& frame, const Counted& source, const std::vector<Crossing>& crossings,
                    std::int64_t inside, Emitter& out) const {
    using nlohmann::json;
    json counts = json::object();
    if (line_) {
      const auto in = std::count_if(crossings.begin(), crossings.end(), [](const Crossing& one) { return one.in; });
      counts = {{"in", in},
                {"out", static_cast<std::int64_t>(crossings.size()) - in},
                {"crossed", json::array()},
                {"total", {{"in", source.in}, {"out", source.out}, {"since", source.since}}}};
      for (const Crossing& one : crossings)
        counts["crossed"].push_back({{"track", one.track}, {"direction", one.in ? "in" : "out"}});
    }
    if (!zone_.empty()) counts["inside"] = inside;
    Frame counted = frame;
    if (options_.draw) {
      cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
      frame.image.copyTo(picture);
      draw(source, inside, picture);
      counted = with_image(frame, std::move(picture));
    }
    counted.attributes[options_.attribute] = counts.dump(-1, ' ', false, json::error_handler_t::replace);
    out.emit(std::move(counted));
    return {};
  }

  // The arrow in the middle of the line shows where 'in' is.
  void draw(const Counted& source, std::int64_t inside, cv::Mat& picture) const {
    const cv::Scalar color = color_in(picture, options_.color);
    const auto pixel = [&](const Spot& spot) {
      return cv::Point(cvRound(spot.x * (picture.cols - 1)), cvRound(spot.y * (picture.rows - 1)));
    };
    std::string text;
    if (line_) {
      const cv::Point from = pixel(line_->from), to = pixel(line_->to), middle = (from + to) / 2;
      const cv::Point2d way = to - from;
      const double length = std::max(1.0, std::hypot(way.x, way.y));
      const cv::Point2d right(-way.y / length * 20, way.x / length * 20);
      cv::line(picture, from, to, color, 2, cv::LINE_8);
      cv::arrowedLine(picture, middle, middle + cv::Point(cvRound(right.x), cvRound(right.y)), color, 2, cv::LINE_8);
      text = fmt::format("in {}  out {}  ", source.in, source.out);
    }
    if (!zone_.empty()) {
      std::vector<cv::Point> corners;
      for (const Spot& corner : zone_) corners.push_back(pixel(corner));
      cv::polylines(picture, corners, true, color, 2, cv::LINE_8);
      text += fmt::format("inside {}", inside);
    }
    cv::putText(picture, text, {5, 20}, cv::FONT_HERSHEY_SIMPLEX, 0.6, color, 2, cv::LINE_8);
  }

  TaskEnv env_;
  Options options_;
  LabelList labels_;
  std::optional<CountingLine> line_;
  std::vector<Spot> zone_;
  std::map<std::string, Counted> sources_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Count)

}  // namespace ride::tasks::count
