// surf: points of SURF (surf_kernel.h: method and exactness); 8U, 1, 3 or 4 channels. Known by name in every build, so
// that a topology which uses it is told why it cannot run; part of it only with RIDE_SURF=ON.
#include "worker/tasks/keypoint_params.h"
#include "worker/tasks/keypoints.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"
#ifdef RIDE_SURF
#include "worker/tasks/surf_search.h"
#endif

namespace ride::tasks::surf {
namespace {

#ifdef RIDE_SURF
constexpr bool kBuilt = true;
#else
constexpr bool kBuilt = false;
#endif

constexpr const char* kNotBuilt =
    "this build of RIDE has no SURF, since US patent 8,165,401 on it runs to 2029; use the task 'features' (kind: "
    "sift, orb "
    "or akaze), or, where you may use SURF, build all programs with -DRIDE_SURF=ON";

struct Options {
  double threshold = 400;
  int octaves = 4;
  int layers = 3;
  bool upright = false;
  int max_features = 500;
  std::string output = "draw";
  bool descriptors = false;
  std::string color = "#00ff00";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"threshold",
       &Options::threshold,
       "Strength of a point, the determinant of its second derivatives in grey levels; less finds more",
       {.min = 0, .max = 1e9}},
      {"octaves", &Options::octaves, "How often the size of points doubles", {.min = 1, .max = 5}},
      {"layers", &Options::layers, "Sizes within an octave", {.min = 1, .max = 4}},
      {"upright", &Options::upright, "For pictures that are not turned: faster, all angles are 0"},
      max_features_param(&Options::max_features),
      keypoint_output_param(&Options::output),
      descriptors_param(&Options::descriptors),
      color_param("color", &Options::color, "Color of what is drawn")};
  return kParams;
}

std::optional<std::string> can_run(const ParamValues& values) {
  if (!kBuilt) return kNotBuilt;
  const auto options = params().read(values);
  return descriptors_need_data(options.output, options.descriptors);
}

TaskDecl declaration() {
  return {
      .name = "surf",
      .doc =
          "Finds points that can be found again in other pictures after Bay et al., 'Speeded-up robust features "
          "(SURF)' "
          "(2008), and draws them, or leaves the picture as it is and gives them as data: the attribute 'keypoints' of "
          "the task 'features', descriptors as 64 signed bytes. Takes 8-bit pictures of any size, of which the "
          "brightness counts. Only in builds with RIDE_SURF=ON: US patent 8,165,401 runs to 2029.",
      .params = params().specs(),
      .rule = can_run};
}

class Surf : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    if (!kBuilt) return Error{ErrorCode::unsupported, "stage '" + env.stage + "': " + kNotBuilt};
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

#ifdef RIDE_SURF
  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    const SurfKeypointSearch search{.surf = {.threshold = options_.threshold,
                                             .octaves = options_.octaves,
                                             .layers = options_.layers,
                                             .upright = options_.upright},
                                    .most = static_cast<std::size_t>(options_.max_features),
                                    .descriptors = options_.descriptors,
                                    .threads = env_.threads};
    const FoundKeypoints found = find_surf_keypoints(frame.image, search, [&] { out.progress(); });
    emit_keypoints(frame, "surf", found, options_.output == "draw", options_.color, out);
    return {};
  }
#else
  Result<void> process(const Frame& frame, Emitter&) override {
    return Error{ErrorCode::unsupported, place(env_, frame) + ": " + kNotBuilt};
  }
#endif

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Surf)

}  // namespace ride::tasks::surf
