// The keypoints of a picture that is searched in tiles. Pure. Internal to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/tasks/keypoints.h"
#include "worker/tasks/picture_tiles.h"

namespace ride::tasks {

// Left and upper edge included, right and lower not: each point is in one of the cores of a picture.
bool is_within(const cv::Rect& rect, const Keypoint& point);

// The points of a picture, put together from those of its tiles; holds four times `most` of them, and those of one
// tile. One thread.
class KeypointMerge {
 public:
  enum class Tiles {
    agree,   // points near an edge come out to the bit alike in both tiles: each is its core's
    differ,  // nearly alike: in one, in both, or beyond the core in both
  };

  KeypointMerge(std::size_t most, Tiles tiles) : most_(most), tiles_agree_(tiles == Tiles::agree) {}

  // The points found in the area of a tile, in pixels of that area. What lies beyond the core is left to the
  // neighbours, apart from what lies so near that both may have it, or neither (Tiles::differ).
  void add(const Tile& tile, std::vector<Keypoint> points);

  // The strongest of all. Where tiles differ, two points of two tiles that lie within a tenth of their size (1 to 16
  // pixels) and have nearly the same size (10 %) and angle (10 degrees) are one: the stronger one stays.
  FoundKeypoints take();

 private:
  struct Placed {
    Keypoint point;
    std::size_t tile = 0;
    bool at_edge = false;  // so near to another core that its tile may have found it, too
  };
  static bool before(const Placed& a, const Placed& b);

  const std::size_t most_;
  const bool tiles_agree_;
  std::size_t tiles_ = 0;
  std::int64_t found_ = 0;
  std::vector<Placed> placed_;
};

}  // namespace ride::tasks
