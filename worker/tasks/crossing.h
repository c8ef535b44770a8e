// Points, lines and polygons in a picture, for counting: from text, and which side, crossed or inside. Coordinates are
// shares of the picture's width and height, 0 to 1, from the top left corner; distances are taken in pixels. Pure
// values. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::tasks {

struct Spot {
  double x = 0, y = 0;
};

struct PictureSize {
  double width = 1, height = 1;
};

struct CountingLine {
  Spot from, to;
};

// "x1,y1,x2,y2": two different places in the picture. Error (invalid_argument): says what is wrong.
Result<CountingLine> parse_line(const std::string& text);

// "x1,y1 x2,y2 x3,y3 …": 3 to 64 corners.
Result<std::vector<Spot>> parse_zone(const std::string& text);

// How far to the right of the line, seen from its first point to its second, in pixels; to the left it is negative. Of
// the line without ends.
double distance_right_of(const CountingLine& line, const Spot& spot, PictureSize size);

// Whether the straight way between two places on different sides cuts the line between its ends; these belong to it.
bool cuts(const CountingLine& line, const Spot& from, const Spot& to, PictureSize size);

// By the number of edges to the right of the spot; an edge belongs to the zone.
bool lies_in(const std::vector<Spot>& zone, const Spot& spot);

}  // namespace ride::tasks
