// Tiles, what becomes of the points of several of them, and how points are written.
#include "worker/tasks/keypoints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "worker/tasks/keypoint_merge.h"

namespace ride::tasks {
namespace {

TEST(PictureTiles, CoverThePictureOnceWithTheirHalo) {
  for (const cv::Size size :
       {cv::Size(1, 1), cv::Size(500, 512), cv::Size(513, 40), cv::Size(2000, 1300), cv::Size(24160, 25720)}) {
    const int side = 512, halo = 64;
    const auto tiles = tiles_of(size, side, halo);
    std::int64_t covered = 0;
    for (const Tile& tile : tiles) {
      covered += static_cast<std::int64_t>(tile.core.width) * tile.core.height;
      EXPECT_LE(std::max(tile.area.width, tile.area.height), side);
      EXPECT_EQ(tile.core & tile.area, tile.core);
      EXPECT_GT(tile.core.area(), 0);
      EXPECT_EQ(tile.area.x % 64 + tile.area.y % 64, 0);
      EXPECT_EQ(tile.area.x, std::max(0, tile.core.x - halo));
      EXPECT_EQ(tile.area.br().y, std::min(size.height, tile.core.br().y + halo));
    }
    EXPECT_EQ(covered, static_cast<std::int64_t>(size.width) * size.height) << size;
    for (std::size_t i = 0; i < std::min<std::size_t>(tiles.size(), 100); ++i)
      for (std::size_t j = 0; j < i; ++j) EXPECT_EQ((tiles[i].core & tiles[j].core).area(), 0);
    EXPECT_EQ(tiles.size() == 1, size.width <= side && size.height <= side);
  }
}

// Two tiles that meet at x = 100.
const Tile kLeft{{0, 0, 100, 100}, {0, 0, 120, 100}}, kRight{{100, 0, 100, 100}, {80, 0, 120, 100}};

TEST(KeypointMerge, KeepsOneOfWhatTwoTilesFoundTheStronger) {
  KeypointMerge merge(10, KeypointMerge::Tiles::differ);
  merge.add(kLeft, {{.x = 100.4, .y = 50, .size = 20, .angle = 359, .response = 3},
                    {.x = 50, .y = 50, .size = 20, .angle = 0, .response = 1}});
  merge.add(kRight, {{.x = 19.7, .y = 50.3, .size = 21, .angle = 2, .response = 4}});
  const FoundKeypoints result = merge.take();
  ASSERT_EQ(result.points.size(), 2u);
  EXPECT_EQ(result.points[0], (Keypoint{.x = 99.7, .y = 50.3, .size = 21, .angle = 2, .response = 4}));
  EXPECT_EQ(result.points[1].x, 50);
}

TEST(KeypointMerge, KeepsPointsThatDifferInPlaceSizeOrAngleAndAllOfOneTile) {
  KeypointMerge merge(100, KeypointMerge::Tiles::differ);
  merge.add(kLeft, {{.x = 99.8, .y = 20, .size = 20, .angle = 0, .response = 1},
                    {.x = 99.8, .y = 20, .size = 20, .angle = 1, .response = 1}});
  merge.add(kRight, {{.x = 20, .y = 25, .size = 20, .angle = 0, .response = 1},
                     {.x = 20, .y = 20, .size = 30, .angle = 0, .response = 1},
                     {.x = 20, .y = 20, .size = 20, .angle = 90, .response = 1}});
  EXPECT_EQ(merge.take().points.size(), 5u);
}

TEST(KeypointMerge, LeavesWhatLiesBeyondTheCoreToTheNeighbour) {
  KeypointMerge merge(100, KeypointMerge::Tiles::differ);
  merge.add(kLeft, {{.x = 110, .y = 20, .size = 7, .response = 1}});
  merge.add(kRight, {{.x = 10, .y = 20, .size = 7, .response = 1}, {.x = NAN, .y = 1, .size = 7, .response = 1}});
  const FoundKeypoints result = merge.take();
  EXPECT_EQ(result.points.size(), 0u);
  EXPECT_EQ(result.found, 0);
}

TEST(KeypointMerge, HoldsTheStrongestOfManyTilesInWhateverOrderTheyCome) {
  std::vector<Keypoint> left, right;
  for (int i = 0; i < 1000; ++i) {
    left.push_back({.x = i % 90 + 0.0, .y = i / 90 * 5.0, .size = 7, .response = i * 37 % 1009 + 0.0});
    right.push_back({.x = i % 90 + 30.0, .y = i / 90 * 5.0, .size = 7, .response = i * 41 % 1013 + 0.0});
  }
  KeypointMerge one(50, KeypointMerge::Tiles::agree), other(50, KeypointMerge::Tiles::agree);
  one.add(kLeft, left), one.add(kRight, right);
  other.add(kRight, right), other.add(kLeft, left);
  const FoundKeypoints a = one.take(), b = other.take();
  EXPECT_EQ(a.points, b.points);
  EXPECT_EQ(a.found, 2000);
  std::vector<double> all;
  for (const auto* list : {&left, &right})
    for (const Keypoint& p : *list) all.push_back(p.response);
  std::sort(all.rbegin(), all.rend());
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(a.points[i].response, all[i]);
}

TEST(Keypoints, AreWrittenInTheStatedSchema) {
  const FoundKeypoints found{
      .found = 9,
      .points = {{.x = 1.234, .y = 24159.996, .size = 31, .angle = 359.96, .response = 0.00012345678},
                 {.x = 2, .y = 3, .size = 7, .response = 20, .descriptor = {0, 255, 16}},
                 {.x = 2, .y = 3, .size = 7, .response = 20, .descriptor = {1}}}};
  EXPECT_EQ(
      keypoints_to_json("orb", found),
      R"({"kind":"orb","found":9,"points":[[1.23,24160,31,360,0.000123457],[2,3,7,-1,20,"AP8Q"],[2,3,7,-1,20,"AQ=="]]})");
}

}  // namespace
}  // namespace ride::tasks
