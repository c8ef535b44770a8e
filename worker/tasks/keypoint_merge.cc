#include "worker/tasks/keypoint_merge.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace ride::tasks {
namespace {

bool stronger(const Keypoint& a, const Keypoint& b) {
  return std::tie(b.response, a.y, a.x, a.size, a.angle, a.descriptor) <
         std::tie(a.response, b.y, b.x, b.size, b.angle, b.descriptor);
}

bool finite(const Keypoint& p) {
  return std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.size) && std::isfinite(p.angle) &&
         std::isfinite(p.response);
}

constexpr double kLongestReach = 16;

// How far apart two tiles may see one point.
double reach(const Keypoint& p) { return std::clamp(p.size / 10, 1.0, kLongestReach); }

bool within(const cv::Rect& rect, const Keypoint& p, double margin) {
  return p.x >= rect.x - margin && p.x < rect.x + rect.width + margin && p.y >= rect.y - margin &&
         p.y < rect.y + rect.height + margin;
}

bool are_one(const Keypoint& a, const Keypoint& b) {
  if (std::hypot(a.x - b.x, a.y - b.y) > std::min(reach(a), reach(b))) return false;
  if (std::max(a.size, b.size) > 1.1 * std::min(a.size, b.size)) return false;
  const double turn = std::abs(a.angle - b.angle);
  return std::min(turn, 360 - turn) <= 10;
}

}  // namespace

bool is_within(const cv::Rect& rect, const Keypoint& point) { return within(rect, point, 0); }

bool KeypointMerge::before(const Placed& a, const Placed& b) { return stronger(a.point, b.point); }

void KeypointMerge::add(const Tile& tile, std::vector<Keypoint> points) {
  const bool alone = tile.core == tile.area;
  for (Keypoint& point : points) {
    if (!finite(point)) continue;
    point.x += tile.area.x, point.y += tile.area.y;
    const double margin = tiles_agree_ ? 0 : reach(point);
    if (!alone && !within(tile.core, point, margin)) continue;
    if (alone || is_within(tile.core, point)) ++found_;
    // Twice: what the other tile sees one reach away may lie one reach beyond its core.
    const bool at_edge = !alone && !tiles_agree_ && !within(tile.core, point, -2 * margin);
    placed_.push_back({std::move(point), tiles_, at_edge});
  }
  ++tiles_;
  // At most four tiles meet, so that each point stands here four times at most.
  const std::size_t needed = 4 * most_;
  if (placed_.size() <= needed) return;
  std::nth_element(placed_.begin(), placed_.begin() + static_cast<std::ptrdiff_t>(needed), placed_.end(), before);
  placed_.resize(needed);
}

FoundKeypoints KeypointMerge::take() {
  std::sort(placed_.begin(), placed_.end(), before);
  std::map<std::pair<int, int>, std::vector<const Placed*>> at_edges;  // those kept, by cell
  const auto cell = [](double position) { return static_cast<int>(std::floor(position / kLongestReach)); };
  const auto is_double = [&](const Placed& placed) {
    const int column = cell(placed.point.x), row = cell(placed.point.y);
    for (int k = 0; k < 9; ++k) {
      const auto near = at_edges.find({row + k / 3 - 1, column + k % 3 - 1});
      if (near == at_edges.end()) continue;
      for (const Placed* other : near->second) {
        if (other->tile != placed.tile && are_one(other->point, placed.point)) return true;
      }
    }
    at_edges[{row, column}].push_back(&placed);
    return false;
  };
  FoundKeypoints result{.found = found_};
  std::vector<const Placed*> kept;
  for (const Placed& placed : placed_) {
    if (kept.size() == most_) break;
    if (!placed.at_edge || !is_double(placed)) kept.push_back(&placed);
  }
  for (const Placed* placed : kept) result.points.push_back(placed->point);
  result.found = std::max(result.found, static_cast<std::int64_t>(result.points.size()));
  placed_.clear();
  return result;
}

}  // namespace ride::tasks
