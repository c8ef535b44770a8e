#include "worker/tasks/crossing.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace ride::tasks {
namespace {

constexpr std::size_t kMostCorners = 64;

struct Vector {
  double x = 0, y = 0;
};

Vector in_pixels(const Spot& from, const Spot& to, PictureSize size) {
  return {(to.x - from.x) * size.width, (to.y - from.y) * size.height};
}

double cross(const Vector& a, const Vector& b) { return a.x * b.y - a.y * b.x; }
double dot(const Vector& a, const Vector& b) { return a.x * b.x + a.y * b.y; }

// Numbers from 0 to 1 with commas or spaces between them.
Result<std::vector<double>> shares(const std::string& text) {
  std::vector<double> values;
  const char *at = text.data(), *end = text.data() + text.size();
  const auto separates = [](char c) { return c == ',' || c == ' '; };
  for (at = std::find_if_not(at, end, separates); at != end; at = std::find_if_not(at, end, separates)) {
    double value = 0;
    const auto [behind, problem] = std::from_chars(at, end, value);
    if (problem != std::errc() || (behind != end && !separates(*behind)))
      return invalid_argument("it is no list of numbers with commas between them");
    if (!(value >= 0 && value <= 1))
      return invalid_argument(
          fmt::format("{} is not from 0 to 1: coordinates are shares of the picture's width and height", value));
    if (values.size() == 2 * kMostCorners)
      return invalid_argument(fmt::format("more than {} points are given", kMostCorners));
    values.push_back(value);
    at = behind;
  }
  return values;
}

// On the way between two corners.
bool lies_between(const Spot& a, const Spot& b, const Spot& spot) {
  const Vector way{b.x - a.x, b.y - a.y}, to_spot{spot.x - a.x, spot.y - a.y};
  const double along = dot(way, to_spot);
  return std::abs(cross(way, to_spot)) <= 1e-12 && along >= 0 && along <= dot(way, way);
}

}  // namespace

Result<CountingLine> parse_line(const std::string& text) {
  RIDE_ASSIGN(const auto values, shares(text));
  if (values.size() != 4) return invalid_argument("a line is two points, \"x1,y1,x2,y2\"");
  const CountingLine line{{values[0], values[1]}, {values[2], values[3]}};
  if (line.from.x == line.to.x && line.from.y == line.to.y)
    return invalid_argument("the two points of the line are the same");
  return line;
}

Result<std::vector<Spot>> parse_zone(const std::string& text) {
  RIDE_ASSIGN(const auto values, shares(text));
  if (values.size() < 6 || values.size() % 2 != 0)
    return invalid_argument("a zone is three points or more, \"x1,y1 x2,y2 x3,y3\"");
  std::vector<Spot> zone;
  for (std::size_t i = 0; i < values.size(); i += 2) zone.push_back({values[i], values[i + 1]});
  return zone;
}

double distance_right_of(const CountingLine& line, const Spot& spot, PictureSize size) {
  const Vector way = in_pixels(line.from, line.to, size);
  return cross(way, in_pixels(line.from, spot, size)) / std::hypot(way.x, way.y);  // y points down
}

bool cuts(const CountingLine& line, const Spot& from, const Spot& to, PictureSize size) {
  const double before = distance_right_of(line, from, size), after = distance_right_of(line, to, size);
  const double share = before / (before - after);  // of the way, until the line
  const Spot at{from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)};
  const Vector way = in_pixels(line.from, line.to, size);
  const double along = dot(way, in_pixels(line.from, at, size)) / dot(way, way);
  return along >= 0 && along <= 1;
}

bool lies_in(const std::vector<Spot>& zone, const Spot& spot) {
  bool inside = false;
  for (std::size_t i = 0; i < zone.size(); ++i) {
    const Spot &a = zone[i], &b = zone[(i + 1) % zone.size()];
    if (lies_between(a, b, spot)) return true;
    if ((a.y > spot.y) != (b.y > spot.y) && spot.x < a.x + (spot.y - a.y) / (b.y - a.y) * (b.x - a.x)) inside = !inside;
  }
  return inside;
}

}  // namespace ride::tasks
