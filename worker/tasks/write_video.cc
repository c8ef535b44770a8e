// write_video: closed segments of Motion JPEG. A segment is written aside and appears, whole, when it is closed: at the
// number of frames asked for, at a new session, at another size of picture, at 1 GiB, when other sources have gone on
// for a segment's time without it, and at the end of the input. Guarantee: where the caller can hold (Emitter::hold),
// the frames of an open segment are not ACKed; the next owner gets them again and writes the same segment under the
// same name. For that, the segments of all sources are closed together: an owner begins where no segment is open, and
// what it writes follows from the frames behind. If each was closed alone, the next owner would begin at the oldest
// frame of one that was open, in the middle of what others had closed since, and write the rest of that twice. Where
// the caller cannot hold, frames of an open segment are ACKed one by one and are lost if the worker is killed; an
// ordered close still writes them.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <optional>

#include "common/log.h"
#include "common/wording.h"
#include "worker/tasks/exif_orientation.h"
#include "worker/tasks/mjpeg_avi.h"
#include "worker/tasks/path_template.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::write_video {
namespace {

struct Options {
  std::string path = "out/{source}/{session}/{segment:08}.avi";
  double fps = 10;
  std::int64_t segment_frames = 300;
  int quality = 90;
  bool sync = true;
};

const std::vector<std::string>& path_fields() {
  static const std::vector<std::string> kFields = {"job", "run", "stage", "from", "source", "session", "segment"};
  return kFields;
}

std::optional<std::string> path_rule(const ParamValue& value) {
  return path_problem(std::get<std::string>(value), path_fields(), {"avi"}, "segment");
}

std::optional<std::string> above_zero(const ParamValue& value) {
  if (std::get<double>(value) > 0) return std::nullopt;
  return "a number above 0 is needed";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"path",
       &Options::path,
       "Where to write, with {job} {run} {stage} {from} {source} {session} {segment} filled in; {segment} is "
       "the number of its first frame",
       {.rule = path_rule, .rule_doc = "holds {segment}; ends in .avi"}},
      {"fps",
       &Options::fps,
       "Frames per second at which the video plays",
       {.max = 1000, .rule = above_zero, .rule_doc = "above 0"}},
      {"segment_frames",
       &Options::segment_frames,
       "Source frames that a segment spans at most",
       {.min = 1, .max = 1000000}},
      quality_param(&Options::quality),
      sync_param(&Options::sync)};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "write_video",
      .doc =
          "Writes each source as closed segments of Motion JPEG in AVI: under a temporary name, synced, then renamed "
          "to the number of the segment's first frame. The open segments of all sources of a partition are closed "
          "together, so that "
          "each frame is in one segment whoever goes on. Missing frames are left out; JPEG pictures keep their bytes.",
      .params = params().specs(),
      .outputs = {},
      .sink = true,
      .needs_order = true,
      .files = {.param = "path", .hold = FilesDecl::Hold::segment, .fields = path_fields()}};
}

struct Segment {
  SessionId session;
  std::int64_t first = 0;  // number of its first frame
  MjpegAvi video;
  std::int64_t newest = -1;  // number of its newest frame
  SystemTime last{};         // and its capture time
  bool held = false;
  bool closed = false;  // it is there, while another one could not be closed yet
};

class WriteVideo : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    auto path = PathTemplate::parse(options_.path, path_fields());
    if (!path) return path.error();
    path_.emplace(std::move(*path));
    return check_output(options_.path);
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U}, {1, 3, 4}); !fit) return fit;
    std::vector<std::uint8_t> buffer;
    const auto jpeg = jpeg_of(frame, buffer);
    if (!jpeg) return jpeg.error();
    const auto open = segments_.find(stream_of(frame));
    if (open != segments_.end() && closing_with(frame, open->second)) return close_at(frame, out);
    const bool begins = open != segments_.end() && !belongs(frame, jpeg->size(), open->second);
    if (begins || overtakes(frame)) {
      if (auto closed = close_at(frame, out); !closed) return closed;
    }
    auto segment = segment_for(frame);
    if (!segment) return at(frame, segment.error());
    if (!(*segment)->video.fits(jpeg->size())) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{}: a picture of {} bytes does not fit into an AVI file; write images "
                               "instead",
                               place(env_, frame), jpeg->size())};
    }
    if (auto added = (*segment)->video.add(*jpeg); !added) return at(frame, added.error());
    (*segment)->newest = frame.id.number;
    (*segment)->last = frame.captured_at;
    (*segment)->held = out.hold(stream_of(frame));
    return closing_with(frame, **segment) ? close_at(frame, out) : Result<void>();
  }

  Result<void> finish(Emitter& out) override { return close_all(out); }

  void close() override {
    for (auto& [stream, segment] : segments_) {
      if (segment.held || segment.closed)
        continue;  // held: its frames come again, and it would be in the next owner's way
      if (auto closed = segment.video.commit(); !closed) {
        log_error("stage '{}', source {}: a video segment of {} is lost: {}", env_.stage, stream,
                  counted(segment.video.frames(), "frame"), closed.error().message);
      }
    }
    segments_.clear();
  }

 private:
  // What makes one video: a source's frames on one way.
  static std::string stream_of(const Frame& frame) {
    return frame.from.empty() || frame.from == frame.id.source ? frame.id.source
                                                               : frame.id.source + " of " + frame.from;
  }

  // Whether the kept bytes are the picture as it was decoded: a video player does not turn it as EXIF says.
  static bool shows(const Frame& frame) {
    const auto& bytes = frame.encoded->bytes;
    return !bytes.empty() && exif_orientation(bytes) == 1;
  }

  Result<std::span<const std::uint8_t>> jpeg_of(const Frame& frame, std::vector<std::uint8_t>& buffer) const {
    if (frame.encoded && frame.encoded->content_type == "image/jpeg" && shows(frame)) return frame.encoded->bytes;
    cv::Mat scratch;
    if (!cv::imencode(".jpg", as_8bit(frame.image, scratch), buffer, {cv::IMWRITE_JPEG_QUALITY, options_.quality}) ||
        buffer.empty()) {
      return Error{ErrorCode::unsupported, fmt::format("{}: {} cannot be encoded as JPEG; it may be too large",
                                                       place(env_, frame), shape_text(frame.image))};
    }
    return std::span<const std::uint8_t>(buffer);
  }

  bool belongs(const Frame& frame, std::size_t bytes, const Segment& segment) const {
    return !segment.closed && segment.session == frame.id.session &&
           frame.id.number - segment.first < options_.segment_frames && segment.video.width() == frame.image.cols &&
           segment.video.height() == frame.image.rows && segment.video.fits(bytes);
  }

  // Whether the segment is full and holds the frame already. So too when a full disk kept it from being closed, and the
  // caller gives the frame again.
  bool closing_with(const Frame& frame, const Segment& segment) const {
    return segment.session == frame.id.session && segment.newest == frame.id.number &&
           frame.id.number - segment.first + 1 >= options_.segment_frames;
  }

  // A source that went silent must not keep its frames without an ACK for ever.
  bool overtakes(const Frame& frame) const {
    const auto span =
        std::chrono::duration<double>(std::max(1.0, static_cast<double>(options_.segment_frames) / options_.fps));
    return std::any_of(segments_.begin(), segments_.end(), [&](const auto& entry) {
      return entry.first != stream_of(frame) && frame.captured_at - entry.second.last > span;
    });
  }

  Result<Segment*> segment_for(const Frame& frame) {
    const auto open = segments_.find(stream_of(frame));
    if (open != segments_.end()) return &open->second;
    const std::string path = path_->expand({{"job", env_.job},
                                            {"run", std::to_string(env_.run)},
                                            {"stage", env_.stage},
                                            {"from", frame.from},
                                            {"source", frame.id.source},
                                            {"session", std::to_string(frame.id.session.value)},
                                            {"segment", std::to_string(frame.id.number)}});
    auto video = MjpegAvi::create(path, {env_.job, env_.stage, env_.worker}, options_.sync, frame.image.cols,
                                  frame.image.rows, options_.fps);
    if (!video) return video.error();
    Segment segment{.session = frame.id.session, .first = frame.id.number, .video = std::move(*video)};
    return &segments_.emplace(stream_of(frame), std::move(segment)).first->second;
  }

  // On an Error all stay, to be closed when the caller tries again; none is ACKed before all are there.
  Result<void> close_all(Emitter& out) {
    for (auto& [stream, segment] : segments_) {
      if (segment.closed) continue;
      if (auto committed = segment.video.commit(); !committed) return committed;
      segment.closed = true;
    }
    for (const auto& [stream, segment] : segments_)
      if (segment.held) out.release(stream);
    segments_.clear();
    return {};
  }

  Result<void> close_at(const Frame& frame, Emitter& out) {
    auto closed = close_all(out);
    return closed ? closed : at(frame, closed.error());
  }

  Error at(const Frame& frame, Error error) const {
    error.message = place(env_, frame) + ": " + error.message;
    return error;
  }

  TaskEnv env_;
  Options options_;
  std::optional<PathTemplate> path_;
  std::map<std::string, Segment> segments_;  // the open one of each stream
};

}  // namespace

RIDE_REGISTER_TASK(declaration, WriteVideo)

}  // namespace ride::tasks::write_video
