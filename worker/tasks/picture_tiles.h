// A large picture in tiles that overlap, for tasks that look for things in it: what lies in a tile is found by that
// tile, and no work takes more memory than one tile needs. Pure. Internal to this folder.
#pragma once

#include <opencv2/core/types.hpp>
#include <vector>

namespace ride::tasks {

struct Tile {
  cv::Rect core;  // the cores of all tiles make up the picture
  cv::Rect area;  // the core and its halo, cut at the picture's sides
};

// Tiles in rows from the top left. A picture of up to `side` pixels in a direction has one tile there; in others, cores
// are of equal length, and the areas have at most `side` pixels. Edges of areas lie at multiples of 64, so that
// pyramids by halves take the same pixels in a tile as in the whole picture. `halo` is a multiple of 64, `side` is at
// least 2 * halo + 192.
std::vector<Tile> tiles_of(cv::Size picture, int side, int halo);

}  // namespace ride::tasks
