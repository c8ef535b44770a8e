// merge: puts the tiles of a split picture together (decision 0037). The platform holds them back until all are there
// (worker/core/tile_gather.h), and gives them to this task in order, one after the other.
#include <spdlog/fmt/fmt.h>

#include "common/frame_tile.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::merge {
namespace {

struct Options {
  std::int64_t timeout_ms = 120'000;
  std::int64_t max_held_mb = 1000;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"timeout_ms",
       &Options::timeout_ms,
       "A picture whose tiles are not all there ends as incomplete with the first record that was written so much "
       "later than the last of its tiles, in milliseconds of the log's time",
       {.min = 1, .max = 86'400'000}},
      {"max_held_mb",
       &Options::max_held_mb,
       "Megabytes of unfinished pictures that a worker holds for each partition that it owns. Tiles beyond that are "
       "let go, and read again when the last tile of their picture came",
       {.min = 1, .max = 1'000'000}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "merge",
          .doc =
              "Puts the tiles of a split picture together, without their halos. A picture of which a tile is dead, was "
              "dropped or does not come ends as incomplete: its outcome is `dead`, with the tile and the cause.",
          .params = params().specs(),
          .tiles = TileRole::joins};
}

class Merge : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const auto tile = tile_of(frame.attributes);
    if (!tile) return at(frame, "it is no tile of a split");
    if (tile->index != 0 && (tile->index != last_.index + 1 || !tile->is_beside(last_) || whole_.empty()))
      return at(frame, fmt::format("tile {} of {} does not follow the one before", tile->index + 1, tile->count()));
    const cv::Mat& part = frame.image;
    const cv::Rect wide = tile->wide(), core = tile->core();
    if (part.rows != wide.height || part.cols != wide.width)
      return at(frame,
                fmt::format("tile {} of {} has {}x{} pixels instead of {}x{}: a task behind the split changes the "
                            "picture's size",
                            tile->index + 1, tile->count(), part.cols, part.rows, wide.width, wide.height));
    if (tile->index == 0) {
      if (auto fits = expect_output_fits(env_, frame, tile->cols, tile->rows, part.type()); !fits) {
        whole_.release();
        return fits;
      }
      whole_ = out.allocate(tile->rows, tile->cols, part.type());
    } else if (part.type() != whole_.type()) {
      return at(frame, fmt::format("tile {} of {} has other values than the first: {}", tile->index + 1, tile->count(),
                                   shape_text(part)));
    }
    part(cv::Rect(core.x - wide.x, core.y - wide.y, core.width, core.height)).copyTo(whole_(core));
    last_ = *tile;
    if (tile->index + 1 < tile->count()) return {};
    Frame whole = with_image(frame, std::exchange(whole_, {}));
    whole.attributes.erase(kTileAttribute);
    out.emit(std::move(whole));
    return {};
  }

 private:
  Error at(const Frame& frame, const std::string& what) {
    whole_.release();
    return {ErrorCode::invalid_argument, place(env_, frame) + ": " + what};
  }

  TaskEnv env_;
  cv::Mat whole_;   // of the picture whose tiles come now
  FrameTile last_;  // that was put into it
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Merge)

}  // namespace ride::tasks::merge
