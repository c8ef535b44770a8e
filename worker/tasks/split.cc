// split: cuts a picture into tiles with the halo that the tasks up to its merge need (decision 0037). What each tile is
// travels as its attribute `tile`; which partition it goes to is the platform's part (worker/set_processor.h).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>

#include "common/frame_tile.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::split {
namespace {

constexpr double kMostTileBytes = 1 << 28;  // in all tiles of a picture; or twice those of the picture

struct Options {
  int stripes = 0;
  std::string tiles;
  int halo = -1;
};

// Rows and columns of the grid, of "2x3".
std::optional<std::pair<int, int>> parse_grid(const std::string& text) {
  int down = 0, across = 0;
  const char* const end = text.data() + text.size();
  const auto [mark, wrong] = std::from_chars(text.data(), end, down);
  if (wrong != std::errc() || mark == end || *mark != 'x') return std::nullopt;
  const auto [stop, error] = std::from_chars(mark + 1, end, across);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (down < 1 || across < 1 || down > kMostTiles || across > kMostTiles || down * across > kMostTiles)
    return std::nullopt;
  return std::pair(down, across);
}

std::optional<std::string> grid_rule(const ParamValue& value) {
  const auto& text = std::get<std::string>(value);
  if (text.empty() || parse_grid(text)) return std::nullopt;
  return "rows x columns of tiles are needed, at most 256 in all, for example 2x3";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"stripes",
       &Options::stripes,
       "Cut into so many stripes, one below the other; 0: as `tiles` says",
       {.min = 0, .max = kMostTiles}},
      {"tiles",
       &Options::tiles,
       "Cut into a grid of tiles: how many rows of how many",
       {.rule = grid_rule, .rule_doc = "ROWSxCOLUMNS, at most 256 tiles, for example 2x3"}},
      {"halo",
       &Options::halo,
       "Pixels of its neighbours that each tile takes along on each side; -1: as many as the tasks up to the merge "
       "need",
       {.min = -1, .max = 100000}}};
  return kParams;
}

std::optional<std::string> cut_rule(const ParamValues& values) {
  const auto options = params().read(values);
  if ((options.stripes > 0) != options.tiles.empty())
    return "state either stripes (for example 4) or tiles (for example 2x3)";
  return std::nullopt;
}

TaskDecl declaration() {
  return {.name = "split",
          .doc =
              "Cuts each picture into stripes or tiles, so that several workers share it; `merge` puts them together. "
              "Between the two may stand any tasks whose pixels depend on those around them only (`ride tasks` shows "
              "which): the result has the same bits as that of the whole picture. A picture with fewer rows than "
              "stripes gets as many as it has rows.",
          .params = params().specs(),
          .tiles = TileRole::cuts,
          .rule = cut_rule};
}

class Split : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    if (options_.halo < 0)
      return Error{ErrorCode::invalid_argument,
                   "the halo is not known: it is found where a topology is read; state params: { halo: ... }"};
    const auto grid = parse_grid(options_.tiles);
    down_ = grid ? grid->first : options_.stripes;
    across_ = grid ? grid->second : 1;
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const cv::Mat& in = frame.image;
    if (in.empty() || in.dims != 2 || in.rows > kLongestTileSide || in.cols > kLongestTileSide)
      return Error{ErrorCode::invalid_argument,
                   place(env_, frame) + ": a picture of " + shape_text(in) + " cannot be cut"};
    const auto tiles = cut_into_tiles(in.rows, in.cols, down_, across_, options_.halo);
    RIDE_TRY(check_size(frame, tiles));
    for (const FrameTile& tile : tiles) {
      const cv::Rect area = tile.wide();
      cv::Mat part = out.allocate(area.height, area.width, in.type());
      in(area).copyTo(part);
      Frame one = with_image(frame, std::move(part));
      one.attributes[kTileAttribute] = to_string(tile);
      out.emit(std::move(one));
    }
    return {};
  }

 private:
  // With a halo as large as the picture, each tile is the picture.
  Result<void> check_size(const Frame& frame, const std::vector<FrameTile>& tiles) const {
    const double own = static_cast<double>(frame.image.total());
    double all = 0;
    for (const FrameTile& tile : tiles) {
      const cv::Rect area = tile.wide();
      all += static_cast<double>(area.width) * area.height;
    }
    if (all * static_cast<double>(frame.image.elemSize()) <= kMostTileBytes || all <= 2 * own) return {};
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{}: with a halo of {}, its {} tiles have {:.0f} times the pixels of the picture: cut it "
                             "into fewer",
                             place(env_, frame), options_.halo, tiles.size(), all / own)};
  }

  TaskEnv env_;
  Options options_;
  int down_ = 1, across_ = 1;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Split)

}  // namespace ride::tasks::split
