#include "common/frame_tile.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace ride {
namespace {

// Of all sizes up to 12 x 7, all grids up to 5 x 4 and halos up to larger than a tile: each pixel lies in one core, and
// a tile shows exactly the pixels that are at most `halo` rows and columns away from its core.
TEST(FrameTile, CoresCoverThePictureOnceAndTilesShowTheirNeighbourhood) {
  for (int rows = 1; rows <= 12; ++rows)
    for (int cols = 1; cols <= 7; ++cols)
      for (int down = 1; down <= 5; ++down)
        for (int across = 1; across <= 4; ++across)
          for (const int halo : {0, 1, 3, 20}) {
            cv::Mat covered = cv::Mat::zeros(rows, cols, CV_8U);
            const auto tiles = cut_into_tiles(rows, cols, down, across, halo);
            ASSERT_EQ(tiles.size(), static_cast<std::size_t>(std::min(down, rows) * std::min(across, cols)));
            for (const auto& tile : tiles) {
              const cv::Rect core = tile.core(), wide = tile.wide();
              ASSERT_GT(core.area(), 0);
              covered(core) += 1;
              ASSERT_EQ(wide.x, std::max(0, core.x - halo));
              ASSERT_EQ(wide.y, std::max(0, core.y - halo));
              ASSERT_EQ(wide.br().x, std::min(cols, core.br().x + halo));
              ASSERT_EQ(wide.br().y, std::min(rows, core.br().y + halo));
            }
            ASSERT_EQ(cv::countNonZero(covered != 1), 0) << rows << "x" << cols << ", " << down << "x" << across;
          }
}

TEST(FrameTile, LargePicturesAreCutIntoPartsOfNearlyTheSameSize) {
  for (const auto& tile : cut_into_tiles(24160, 25720, 7, 5, 30)) {
    EXPECT_NEAR(tile.core().height, 24160 / 7, 1);
    EXPECT_EQ(tile.core().width, 25720 / 5);
  }
  EXPECT_EQ(cut_into_tiles(1, 1, 256, 1, 30).size(), 1U) << "more stripes than rows";
}

TEST(FrameTile, IsReadAsItWasWritten) {
  for (auto tile : cut_into_tiles(4320, 7680, 4, 2, 30)) {
    EXPECT_EQ(parse_frame_tile(to_string(tile)).value(), tile);
    tile.groups = 3;
    tile.group = tile.index % 3;
    tile.cut = {11, std::int64_t{1} << 40};
    EXPECT_EQ(parse_frame_tile(to_string(tile)).value(), tile);
    EXPECT_EQ(tile_of({{"tile", to_string(tile)}}), tile);
  }
  EXPECT_EQ(tile_of({}), std::nullopt);
}

TEST(FrameTile, WhatCannotBeIsRefused) {
  ASSERT_TRUE(parse_frame_tile("2/4/1/4320/7680/30/2/4/0/1042").ok());
  for (const auto* text : {"",
                           "2",
                           "2/4/1/4320/7680/30/2",
                           "2/4/1/4320/7680/30/2/4/0/1042/1",
                           "2/4/1/4320/7680/30/2/4/0/",
                           "2/4/1/4320/7680/30/2/4",
                           "2/4/1/4320/7680/30/2/4/-1/7",
                           "2/4/1/4320/7680/30/2/4/0/-7",
                           "4/4/1/4320/7680/30/0/4/0/1042",
                           "-1/4/1/4320/7680/30/2/4/0/1042",
                           "2/4/1/3/7680/30/2/4/0/1042",
                           "2/4/1/4320/0/30/2/4/0/1042",
                           "2/4/1/4320/7680/-1/2/4/0/1042",
                           "2/4/1/4320/7680/30/1/4/0/1042",
                           "2/4/1/4320/7680/30/4/4/0/1042",
                           "2/4/1/4320/7680/30/2/5/0/1042",
                           "2/4/1/4320/7680/30/1/0/0/1042",
                           "2/99999/99999/4320/7680/30/2/4/0/1042",
                           "2/4/1/99999999999/7680/30/2/4/0/1042",
                           "2/4/1/4320/7680/30/2/4/0/1042 ",
                           "a/b/c/d/e/f/g/h/i/j",
                           "0/256/2/4320/7680/30/0/4/0/1042"})
    EXPECT_FALSE(parse_frame_tile(text).ok()) << text;
}

TEST(FrameTile, AGroupHasTheTilesWithItsRemainder) {
  auto tile = cut_into_tiles(100, 10, 7, 1, 0).front();
  tile.groups = 3;
  EXPECT_EQ(tile.group_members(0), (std::vector<int>{0, 3, 6}));
  EXPECT_EQ(tile.group_members(2), (std::vector<int>{2, 5}));
}

}  // namespace
}  // namespace ride
