#include "worker/tasks/detections.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <limits>

#include "common/json.h"

namespace ride::tasks {
namespace {

using nlohmann::json;

// Whole numbers are written without a fraction, as every reader expects pixels.
json pixels(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? json(static_cast<std::int64_t>(value)) : json(value);
}

bool finite_number(const json& value) { return value.is_number() && std::isfinite(value.get<double>()); }

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
  return found;
}

}  // namespace

std::string detections_to_json(const std::vector<Detection>& detections) {
  json list = json::array();
  for (const Detection& d : detections) {
    list.push_back({{"label", d.label},
                    {"score", std::round(d.score * 1e4) / 1e4},
                    {"box", {pixels(d.x), pixels(d.y), pixels(d.width), pixels(d.height)}}});
    if (d.class_id) list.back()["class_id"] = *d.class_id;
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
                   fmt::format("entry {} is not {{\"label\":text,\"score\":number,\"box\":[x,y,width,height]}}", i)};
    }
    detections.push_back(std::move(*found));
  }
  return detections;
}

}  // namespace ride::tasks
