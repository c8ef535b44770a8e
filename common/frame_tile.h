// FrameTile: which part of a picture a frame is, between a `split` and its `merge` (decision 0037). It travels with the
// frame as the attribute `tile`; what it says of places in the picture follows from the grid, so that it cannot
// contradict itself. Pure values. Failure: corrupt where a text is no tile.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <opencv2/core/types.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride {

inline constexpr const char* kTileAttribute = "tile";
inline constexpr int kMostTiles = 256;            // of one picture
inline constexpr int kLongestTileSide = 1 << 20;  // rows or columns of a picture that is cut

// The reading that cut a picture: where it lay in the input of its split. A picture that is cut twice under one name
// (it was sent again) has two.
struct TileCut {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  auto operator<=>(const TileCut&) const = default;
};

struct FrameTile {
  int index = 0;             // row by row
  int down = 1, across = 1;  // the grid: so many rows of so many tiles
  int rows = 0, cols = 0;    // of the whole picture, in pixels; at least one for each tile
  int halo = 0;              // pixels of its neighbours on each side, as far as the picture has them
  // It travels in one set with the tiles whose index leaves `group` when divided by `groups`; 0: not decided yet.
  int group = 0, groups = 0;
  TileCut cut;

  bool operator==(const FrameTile&) const = default;
  int count() const { return down * across; }
  cv::Rect core() const;  // its own pixels in the whole picture: each pixel is in the core of one tile
  cv::Rect wide() const;  // ... with its halo: what the frame's picture shows
  // Of the same cut of the same picture.
  bool is_beside(const FrameTile& other) const;
  std::vector<int> group_members(int of_group) const;  // rising indices
};

// The tiles of a picture, in order. A picture with fewer rows (columns) than `down` (`across`) has that many. All
// numbers are at least 1, but for `halo`.
std::vector<FrameTile> cut_into_tiles(int rows, int cols, int down, int across, int halo);

std::string to_string(const FrameTile& tile);  // "2/4/1/4320/7680/30/2/4/0/1042": its fields in order
Result<FrameTile> parse_frame_tile(const std::string& text);

// Of a frame's attributes; nothing where it is no tile, or says something that cannot be.
std::optional<FrameTile> tile_of(const std::map<std::string, std::string>& attributes);

}  // namespace ride
