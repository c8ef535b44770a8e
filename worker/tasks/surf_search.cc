#include "worker/tasks/surf_search.h"

#include <cmath>
#include <optional>

#include "worker/tasks/keypoint_merge.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/picture_tiles.h"

namespace ride::tasks {
namespace {

std::vector<Keypoint> found_in(const BoxSums& sums, const SurfKeypointSearch& search) {
  std::vector<Keypoint> points;
  for (const SurfPoint& p : find_surf_points(sums, search.surf, search.threads))
    points.push_back({.x = p.x, .y = p.y, .size = p.size, .response = p.response});
  return points;
}

std::vector<std::uint8_t> as_bytes(const std::array<float, 64>& values) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size());
  for (const float v : values)
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::int8_t>(std::lround(v * 127))));
  return bytes;
}

// `points` are those of the tile, in pixels of the picture.
void describe(const BoxSums& sums, const Tile& tile, const SurfKeypointSearch& search,
              const std::vector<Keypoint*>& points) {
  std::vector<SurfPoint> local;
  local.reserve(points.size());
  for (const Keypoint* p : points) local.push_back({.x = p->x - tile.area.x, .y = p->y - tile.area.y, .size = p->size});
  describe_surf_points(sums, search.surf.upright, local, search.threads);
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i]->angle = local[i].angle;
    if (search.descriptors) points[i]->descriptor = as_bytes(local[i].descriptor);
  }
}

std::vector<Keypoint*> those_of(const Tile& tile, std::vector<Keypoint>& points) {
  std::vector<Keypoint*> own;
  for (Keypoint& p : points)
    if (is_within(tile.core, p)) own.push_back(&p);
  return own;
}

int multiple_of_64(int length) { return (length + 63) / 64 * 64; }

}  // namespace

FoundKeypoints find_surf_keypoints(const cv::Mat& picture, const SurfKeypointSearch& search,
                                   const std::function<void()>& progress) {
  const int halo = multiple_of_64(surf_reach(search.surf));
  const auto tiles = tiles_of(picture.size(), search.core_side + 2 * halo, halo);
  const auto sums_of = [&](const Tile& tile) { return BoxSums(brightness_of(picture(tile.area))); };
  KeypointMerge merge(search.most, KeypointMerge::Tiles::agree);
  std::optional<BoxSums> sums;
  for (const Tile& tile : tiles) {
    sums.reset();  // one at a time
    sums = sums_of(tile);
    merge.add(tile, found_in(*sums, search));
    progress();
  }
  FoundKeypoints result = merge.take();
  for (const Tile& tile : tiles) {  // once more, since only those that are kept are worth their description
    const auto own = those_of(tile, result.points);
    if (own.empty()) continue;
    if (tiles.size() > 1) {
      sums.reset();
      sums = sums_of(tile);
    }
    describe(*sums, tile, search, own);
    progress();
  }
  return result;
}

}  // namespace ride::tasks
