#include "common/frame_tile.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace ride {
namespace {

// Where part `index` of `parts` nearly equal ones begins.
int tile_edge(int length, int parts, int index) { return static_cast<int>(std::int64_t{length} * index / parts); }

bool fits(const FrameTile& tile) {
  const auto in = [](int value, int least, int most) { return value >= least && value <= most; };
  if (!in(tile.rows, 1, kLongestTileSide) || !in(tile.cols, 1, kLongestTileSide)) return false;
  if (!in(tile.down, 1, kMostTiles) || !in(tile.across, 1, kMostTiles) || tile.count() > kMostTiles) return false;
  if (tile.down > tile.rows || tile.across > tile.cols || !in(tile.halo, 0, kLongestTileSide)) return false;
  if (!in(tile.index, 0, tile.count() - 1) || !in(tile.groups, 0, tile.count())) return false;
  if (tile.cut.partition < 0 || tile.cut.offset < 0) return false;
  if (tile.groups == 0) return tile.group == 0;
  return in(tile.group, 0, tile.groups - 1) && tile.index % tile.groups == tile.group;
}

// The next number of `text`, which goes on behind the mark.
template <class Number>
bool read_number(std::string_view& text, Number& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

std::optional<FrameTile> read_tile(std::string_view text) {
  FrameTile tile;
  for (int* field :
       {&tile.index, &tile.down, &tile.across, &tile.rows, &tile.cols, &tile.halo, &tile.group, &tile.groups}) {
    if (!read_number(text, *field) || !text.starts_with('/')) return std::nullopt;
    text.remove_prefix(1);
  }
  if (!read_number(text, tile.cut.partition) || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  if (!read_number(text, tile.cut.offset) || !text.empty() || !fits(tile)) return std::nullopt;
  return tile;
}

}  // namespace

cv::Rect FrameTile::core() const {
  const int row = index / across, column = index % across;
  const int top = tile_edge(rows, down, row), left = tile_edge(cols, across, column);
  return {left, top, tile_edge(cols, across, column + 1) - left, tile_edge(rows, down, row + 1) - top};
}

cv::Rect FrameTile::wide() const {
  const cv::Rect own = core();
  return cv::Rect(own.x - halo, own.y - halo, own.width + 2 * halo, own.height + 2 * halo) & cv::Rect(0, 0, cols, rows);
}

bool FrameTile::is_beside(const FrameTile& other) const {
  return down == other.down && across == other.across && rows == other.rows && cols == other.cols &&
         halo == other.halo && groups == other.groups && cut == other.cut;
}

std::vector<int> FrameTile::group_members(int of_group) const {
  std::vector<int> members;
  for (int i = of_group; i < count(); i += std::max(groups, 1)) members.push_back(i);
  return members;
}

std::vector<FrameTile> cut_into_tiles(int rows, int cols, int down, int across, int halo) {
  FrameTile tile{.down = std::min(down, rows), .across = std::min(across, cols), .rows = rows, .cols = cols};
  tile.halo = std::min(halo, std::max(rows, cols));
  std::vector<FrameTile> tiles;
  for (tile.index = 0; tile.index < tile.count(); ++tile.index) tiles.push_back(tile);
  return tiles;
}

std::string to_string(const FrameTile& tile) {
  return fmt::format("{}/{}/{}/{}/{}/{}/{}/{}/{}/{}", tile.index, tile.down, tile.across, tile.rows, tile.cols,
                     tile.halo, tile.group, tile.groups, tile.cut.partition, tile.cut.offset);
}

Result<FrameTile> parse_frame_tile(const std::string& text) {
  if (const auto tile = read_tile(text)) return *tile;
  return corrupt(fmt::format("'{}' is not what the attribute `tile` may be", text.substr(0, 100)));
}

std::optional<FrameTile> tile_of(const std::map<std::string, std::string>& attributes) {
  const auto found = attributes.find(kTileAttribute);
  return found == attributes.end() ? std::nullopt : read_tile(found->second);
}

}  // namespace ride
