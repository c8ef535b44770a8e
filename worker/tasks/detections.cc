#include "worker/tasks/detections.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <limits>

#include "common/json.h"
#include "worker/tasks/picture.h"

namespace ride::tasks {
namespace {

using nlohmann::json;

constexpr std::size_t kMostTrackBytes = 64;

// Whole numbers are written without a fraction, as every reader expects pixels.
json pixels(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? json(static_cast<std::int64_t>(value)) : json(value);
}

bool finite_number(const json& value) { return value.is_number() && std::isfinite(value.get<double>()); }

// Other programs number their tracks.
bool read_track(const json& entry, Detection& found) {
  const auto track = entry.find("track");
  if (track == entry.end()) return true;
  if (track->is_number_integer()) {
    found.track = track->dump();
    return true;
  }
  if (!track->is_string()) return false;
  found.track = *track;
  return !found.track.empty() && found.track.size() <= kMostTrackBytes;
}

std::optional<Detection> parse_one(const json& entry) {
  if (!entry.is_object()) return std::nullopt;
  const auto box = entry.find("box");
  if (box == entry.end() || !box->is_array() || box->size() != 4) return std::nullopt;
  for (const json& value : *box) {
    if (!finite_number(value)) return std::nullopt;
  }
  Detection found{.x = box->at(0), .y = box->at(1), .width = box->at(2), .height = box->at(3)};
  if (found.width < 0 || found.height < 0) return std::nullopt;
  if (const auto label = entry.find("label"); label != entry.end()) {
    if (!label->is_string()) return std::nullopt;
    found.label = *label;
  }
  if (const auto score = entry.find("score"); score != entry.end()) {
    if (!finite_number(*score)) return std::nullopt;
    found.score = *score;
  }
  if (const auto id = entry.find("class_id"); id != entry.end()) {
    if (!id->is_number_integer() || *id < 0 || *id > std::numeric_limits<int>::max()) return std::nullopt;
    found.class_id = *id;
  }
  return read_track(entry, found) ? std::optional(found) : std::nullopt;
}

// A number of any size stays one.
double in_ten_thousandths(double score) {
  const double steps = score * 1e4;
  return std::isfinite(steps) ? std::round(steps) / 1e4 : score;
}

}  // namespace

std::string detections_to_json(const std::vector<Detection>& detections) {
  json list = json::array();
  for (const Detection& d : detections) {
    json entry = {{"label", d.label},
                  {"score", in_ten_thousandths(d.score)},
                  {"box", {pixels(d.x), pixels(d.y), pixels(d.width), pixels(d.height)}}};
    if (d.class_id) entry["class_id"] = *d.class_id;
    if (!d.track.empty()) entry["track"] = d.track;
    list.push_back(std::move(entry));
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<Detection>> detections_from_json(const std::string& text) {
  const json list = json::parse(text, nullptr, false);
  if (!list.is_array()) return Error{ErrorCode::corrupt, "it is not a JSON list"};
  std::vector<Detection> detections;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto found = parse_one(list[i]);
    if (!found) {
      return Error{ErrorCode::corrupt,
                   fmt::format("entry {} is not {{\"label\":text,\"score\":number,\"box\":[x,y,width,height],"
                               "\"track\":text}}",
                               i)};
    }
    detections.push_back(std::move(*found));
  }
  return detections;
}

Result<std::vector<Detection>> required_detections(const TaskEnv& env, const Frame& frame) {
  const auto attribute = frame.attributes.find(kDetectionsAttribute);
  if (attribute == frame.attributes.end()) {
    return Error{ErrorCode::invalid_argument,
                 place(env, frame) +
                     ": the frame has no attribute 'detections'; put a task that finds something "
                     "before this stage (docs/detections.md names them)"};
  }
  auto detections = detections_from_json(attribute->second);
  if (detections) return detections;
  return Error{detections.error().code,
               fmt::format("{}: the attribute 'detections' cannot be read: {}; look at the task "
                           "that writes it",
                           place(env, frame), detections.error().message)};
}

}  // namespace ride::tasks
