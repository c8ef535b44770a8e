// bench/run detect: the task `detect` on frames of the street video, in turns with plain cv::dnn on the same frames:
// what the task adds to the network (another depth or size, reading the outputs, the attribute as JSON).
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <opencv2/core/utility.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/videoio.hpp>

#include "bench/benchmarks.h"
#include "worker/tasks/detections.h"
#include "worker/tasks/known_models.h"
#include "worker/tasks/task_registry.h"

namespace ride::bench {
namespace {

using std::chrono::steady_clock;

constexpr int kFrames = 60;
constexpr int kStep = 10;  // every tenth frame of the video: people move

class LastFrame : public tasks::Emitter {
 public:
  void emit(Frame emitted) override { frame = std::move(emitted); }
  void emit(const std::string& /*port*/, Frame emitted) override { frame = std::move(emitted); }
  cv::Mat allocate(int rows, int cols, int type) override { return cv::Mat(rows, cols, type); }
  void progress() override {}
  Frame frame;
};

template <class Work>
double milliseconds_of(const Work& work) {
  const auto begin = steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

Result<std::vector<cv::Mat>> street_frames(int wanted) {
  const std::string path = std::string(RIDE_SOURCE_DIR) + "/.ride-demo/vtest.avi";
  cv::VideoCapture video(path);
  std::vector<cv::Mat> frames;
  cv::Mat frame;
  for (int i = 0; static_cast<int>(frames.size()) < wanted && video.read(frame); ++i)
    if (i % kStep == 0) frames.push_back(frame.clone());
  if (static_cast<int>(frames.size()) == wanted) return frames;
  return Error{ErrorCode::not_found,
               fmt::format("{} frames of {} were asked for, but it gives {}: scripts/fetch-demo-video "
                           "fetches it; every tenth of its 795 frames is taken",
                           wanted, path, frames.size())};
}

Result<std::unique_ptr<tasks::Task>> open_task() {
  const auto* type = tasks::builtin_tasks().find("detect");
  RIDE_ASSIGN(auto params, check_task_params(type->declaration, {{"model", std::string("centernet")}}));
  auto task = type->make();
  RIDE_TRY(task->open({.params = std::move(params), .job = "bench", .stage = "detect", .worker = "bench"}));
  return task;
}

}  // namespace

Result<Figures> run_detect(const Options& options) {
  cv::setNumThreads(1);
  RIDE_ASSIGN(const auto frames, street_frames(options.frames > 0 ? options.frames : kFrames));
  RIDE_ASSIGN(const auto task, open_task());
  RIDE_ASSIGN(const auto folder, tasks::models_folder());
  const auto& model = *tasks::find_known_model("centernet");
  auto net = cv::dnn::readNetFromTensorflow((folder / model.installed.name).string());
  const std::vector<cv::String> outputs(model.outputs.begin(), model.outputs.end());
  std::vector<double> ours, plain;
  std::size_t objects = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    Frame in;
    in.id = {"street", SessionId{1}, static_cast<std::int64_t>(i)};
    in.image = frames[i];
    LastFrame out;
    Result<void> done;
    ours.push_back(milliseconds_of([&] { done = task->process(in, out); }));
    RIDE_TRY(std::move(done));
    RIDE_ASSIGN(const auto found, tasks::detections_from_json(out.frame.attributes.at(tasks::kDetectionsAttribute)));
    objects += found.size();
    plain.push_back(milliseconds_of([&] {
      net.setInput(cv::dnn::blobFromImage(frames[i], 1, {model.width, model.height}, {}, model.swap_rb));
      std::vector<cv::Mat> raw;
      net.forward(raw, outputs);
    }));
  }
  task->close();
  const double ms = median(ours), plain_ms = median(plain);
  return Figures{{"fps", 1000 / ms},       {"ms_per_frame", ms},      {"plain_ms_per_frame", plain_ms},
                 {"ratio", plain_ms / ms}, {"frames", frames.size()}, {"objects", objects}};
}

}  // namespace ride::bench
