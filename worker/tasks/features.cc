// features: points that can be found again in another picture of the same thing; 8U, 1, 3 or 4 channels.
//   orb    Rublee et al., "ORB: an efficient alternative to SIFT or SURF", 2011
//   sift   Lowe, "Distinctive image features from scale-invariant keypoints", 2004
//   akaze  Alcantarilla et al., "Fast explicit diffusion for accelerated features in nonlinear scale spaces", 2013
//   fast   Rosten and Drummond, "Machine learning for high-speed corner detection", 2006 (9 of 16, non-maximum
//   suppression)
// Large pictures are searched in tiles of up to 2048 (ORB: 4096) pixels a side that overlap; keypoint_merge.h says
// how points of two tiles become one. FAST is exact in tiles. What tiles change for others: ORB keeps its best
// `max_features` of each tile before the best of all are kept, and its pyramid (steps of 1.2) meets other pixels; SIFT
// and AKAZE miss or misplace points of more than about 50 pixels near the edge of a tile, and AKAZE measures its
// contrast in each tile. The same picture gives the same result with any number of threads.
#include <memory>

#include "worker/tasks/keypoint_detector.h"
#include "worker/tasks/keypoint_merge.h"
#include "worker/tasks/keypoint_params.h"
#include "worker/tasks/keypoints.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/picture_tiles.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::features {
namespace {

struct Options {
  std::string kind = "orb";
  int max_features = 500;
  int fast_threshold = 20;
  double sift_threshold = 0.04;
  double akaze_threshold = 0.001;
  std::string output = "draw";
  bool descriptors = false;
  std::string color = "#00ff00";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"kind",
       &Options::kind,
       "Detector; akaze, orb and sift find sizes and angles, fast only corners",
       {.choices = {"akaze", "fast", "orb", "sift"}}},
      max_features_param(&Options::max_features),
      {"fast_threshold",
       &Options::fast_threshold,
       "Of fast and orb: by how many grey levels a corner differs from the pixels around it; less finds more",
       {.min = 1, .max = 254}},
      {"sift_threshold",
       &Options::sift_threshold,
       "Of sift: contrast of a point, as a share of the value range; less finds more",
       {.min = 0, .max = 1}},
      {"akaze_threshold",
       &Options::akaze_threshold,
       "Of akaze: strength of a point, the determinant of its second derivatives; less finds more",
       {.min = 0, .max = 1}},
      keypoint_output_param(&Options::output),
      descriptors_param(&Options::descriptors),
      color_param("color", &Options::color, "Color of what is drawn")};
  return kParams;
}

std::optional<std::string> descriptors_exist(const ParamValues& values) {
  const auto options = params().read(values);
  if (options.descriptors && options.kind == "fast") {
    return "fast has no descriptors; leave 'descriptors' out, or set 'kind' to akaze, orb or sift";
  }
  return descriptors_need_data(options.output, options.descriptors);
}

TaskDecl declaration() {
  return {
      .name = "features",
      .doc =
          "Finds points that can be found again in other pictures (ORB, SIFT, AKAZE or FAST) and draws them, or leaves "
          "the picture as it is and gives them as data. Attribute 'keypoints': {\"kind\",\"found\",\"points\":"
          "[[x,y,size,angle,response],..]}, strongest first, in pixels of the picture and degrees (-1: no angle); it "
          "holds as many as fit into 32 KiB, about 800, or 100 to 350 with descriptors, while 'found' counts all. "
          "Takes "
          "8-bit pictures, of which the brightness counts. Pictures above 2048 (orb: 4096) pixels a side are searched "
          "in tiles that overlap: there sift and akaze may miss points larger than 50 pixels near a tile's edge.",
      .params = params().specs(),
      .rule = descriptors_exist};
}

class Features : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    detector_ = std::make_unique<KeypointDetector>(KeypointSearch{.kind = options_.kind,
                                                                  .max_features = options_.max_features,
                                                                  .fast_threshold = options_.fast_threshold,
                                                                  .sift_threshold = options_.sift_threshold,
                                                                  .akaze_threshold = options_.akaze_threshold,
                                                                  .descriptors = options_.descriptors});
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    KeypointMerge merge(static_cast<std::size_t>(options_.max_features),
                        detector_->tiles_agree() ? KeypointMerge::Tiles::agree : KeypointMerge::Tiles::differ);
    for (const Tile& tile : tiles_of(frame.image.size(), detector_->side(), detector_->halo())) {
      merge.add(tile, detector_->find(brightness_of(frame.image(tile.area))));
      out.progress();
    }
    emit_keypoints(frame, options_.kind, merge.take(), options_.output == "draw", options_.color, out);
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
  std::unique_ptr<KeypointDetector> detector_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Features)

}  // namespace ride::tasks::features
