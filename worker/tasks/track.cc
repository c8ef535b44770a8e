// track: names for objects that stay over time, from the boxes alone (tracker.h has the method). Time is counted in
// frame numbers: a frame that was dropped is one in which everything was missed. State: the tracks of each source.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>

#include "worker/tasks/detections.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/tracker.h"

namespace ride::tasks::track {
namespace {

constexpr int kWarmup = 30;

struct Options {
  double iou = 0.3;
  int max_age = 10;
  int min_hits = 3;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"iou",
       &Options::iou,
       "Overlap (intersection over union) with the expected box from which a detection can belong to a track",
       {.min = 0.01, .max = 1}},
      {"max_age",
       &Options::max_age,
       "Frames in a row in which a track may be missed before it ends",
       {.min = 0, .max = kWarmup}},
      {"min_hits",
       &Options::min_hits,
       "Frames in a row in which something must be found before it is a track; fewer show more false ones",
       {.min = 1, .max = kWarmup}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "track",
          .doc =
              "Follows what was found from frame to frame: each entry of the attribute 'detections' that belongs to a "
              "track gets its name, \"track\": \"1042-3\", the frame and the place in its list where the track began. "
              "The scheme of SORT (Bewley et al., 2016), with a straight line through the last boxes in place of the "
              "Kalman filter. After a failover, tracks that began within the last 30 frames keep their names; older "
              "ones get new ones.",
          .params = params().specs(),
          .needs_order = true,
          .warmup_frames = kWarmup};
}

// What is known of a source.
struct Followed {
  SessionId session;
  std::int64_t number = 0;  // of the frame before
  std::int64_t time = 0;    // frames
  std::size_t places = 0;   // detections of that frame so far: a frame may come as several pictures
  Tracker tracker;
};

constexpr std::int64_t kLongest = 1'000'000;  // a larger step in frame numbers ends all tracks as well

class Track : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_ASSIGN(auto found, required_detections(env_, frame));
    if (found.size() > Tracker::kMostDetections) {
      return Error{ErrorCode::resource_exhausted,
                   fmt::format("{}: {} detections are more than can be followed ({}); raise the threshold of the task "
                               "that finds them",
                               place(env_, frame), found.size(), Tracker::kMostDetections)};
    }
    Followed& source = at_time_of(frame);
    const std::size_t first = source.places;
    source.places += found.size();
    source.tracker.update(source.time, frame.id.number, first, found);
    Frame followed = frame;
    followed.attributes[kDetectionsAttribute] = detections_to_json(found);
    out.emit(std::move(followed));
    return {};
  }

 private:
  // A new session is another sequence of pictures, whose numbers begin anew.
  Followed& at_time_of(const Frame& frame) {
    const auto [at, is_new] = sources_.try_emplace(frame.id.source);
    Followed& source = at->second;
    if (is_new || source.session != frame.id.session) {
      source = {.session = frame.id.session, .tracker = Tracker({options_.iou, options_.max_age, options_.min_hits})};
    } else if (frame.id.number > source.number) {
      // As unsigned: foreign records may have any number.
      const auto step = static_cast<std::uint64_t>(frame.id.number) - static_cast<std::uint64_t>(source.number);
      source.time += static_cast<std::int64_t>(std::min<std::uint64_t>(step, kLongest));
    } else {
      source.time += 1;
    }
    if (source.number != frame.id.number) source.places = 0;
    source.number = frame.id.number;
    return source;
  }

  TaskEnv env_;
  Options options_;
  std::map<std::string, Followed> sources_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Track)

}  // namespace ride::tasks::track
