// detect: objects by a network (cv::dnn): SSD, YOLO, CenterNet. The picture goes on as it came; what the network sees
// is the whole picture, resized to the network's input without keeping its aspect ratio. Other depths are looked at in
// 8 bits.
#include <spdlog/fmt/fmt.h>

#include <array>
#include <charconv>
#include <cmath>

#include "worker/tasks/detect_labels.h"
#include "worker/tasks/detector.h"
#include "worker/tasks/input_file.h"
#include "worker/tasks/known_models.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/text_list.h"

namespace ride::tasks::detect {
namespace {

struct Options {
  std::string model, config, labels;
  std::string kind = "auto";
  double threshold = 0.3;
  double nms = 0.5;
  int width = 0, height = 0;
  double scale = 1;
  std::string mean = "0";
  bool swap_rb = true;
  std::string classes;
};

// One number for all channels, or three.
std::optional<std::array<double, 3>> mean_in(const std::string& text) {
  const auto parts = comma_parts(text);
  if (parts.size() != 1 && parts.size() != 3) return std::nullopt;
  std::array<double, 3> mean{};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string& part = parts[parts.size() == 1 ? 0 : i];
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), mean[i]);
    if (error != std::errc() || end != part.data() + part.size() || !(std::abs(mean[i]) <= 1e6)) return std::nullopt;
  }
  return mean;
}

std::optional<std::string> is_mean(const ParamValue& value) {
  if (mean_in(std::get<std::string>(value))) return std::nullopt;
  return "one number or three are needed, for example \"104,117,123\"";
}

// Of a known model the file that 'ride models fetch' has installed here, else the path.
Result<std::optional<std::string>> locate_model(const std::string& value) {
  const KnownModel* model = find_known_model(value);
  if (model == nullptr) return locate_path(value);
  RIDE_ASSIGN(const auto folder, models_folder());
  RIDE_TRY(expect_installed(*model, folder / model->installed.name));
  return std::optional((folder / model->installed.name).string());
}

Result<std::optional<std::string>> locate_labels(const std::string& value) {
  return is_label_list(value) ? std::optional<std::string>() : locate_path(value);
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"model",
       &Options::model,
       "A known model ('ride models' lists them), or the path of a model file: .caffemodel or .prototxt (Caffe), .pb "
       "(TensorFlow), .onnx, .weights (Darknet)",
       {.required = true, .file = InputFile{locate_model, kMaxWeightsFile}}},
      {"config",
       &Options::config,
       "Path of the description beside it: .prototxt of Caffe, .pbtxt of TensorFlow, .cfg of Darknet",
       {.file = InputFile{locate_path, kMaxConfigFile}}},
      {"labels",
       &Options::labels,
       "Names of the classes: coco80, coco90, voc20, or a file with one a line; empty: those of the known model, else "
       "numbers",
       {.file = InputFile{locate_labels, kMaxLabelsFile}}},
      {"kind",
       &Options::kind,
       "How the outputs are read; auto: as the known model is",
       {.choices = {"auto", "ssd", "yolo", "centernet"}}},
      {"threshold", &Options::threshold, "Least score of a detection", {.min = 0.01, .max = 1}},
      {"nms",
       &Options::nms,
       "Overlap (intersection over union) above which only the better of two boxes of a class is kept; 1: all are",
       {.min = 0, .max = 1}},
      {"width", &Options::width, "Columns of the network's input; 0: of the known model", {.min = 0, .max = 2048}},
      {"height", &Options::height, "Rows of the network's input; 0: of the known model", {.min = 0, .max = 2048}},
      {"scale", &Options::scale, "Factor on pixels (0 to 255, less the mean)", {.min = 1e-6, .max = 1e6}},
      {"mean",
       &Options::mean,
       "Taken off each pixel before the scale: one number, or three in the network's order of channels",
       {.rule = is_mean, .rule_doc = "one number, or three with commas"}},
      {"swap_rb", &Options::swap_rb, "The network takes red first; false: blue first, as most of Caffe's do"},
      {"classes", &Options::classes, "Only these labels, with commas between them; empty: all"}};
  return kParams;
}

// A known model brings what its input must be: another value would be a slip.
std::optional<std::string> problem_of_known(const KnownModel& model, const Options& given) {
  const Options plain;
  const std::pair<const char*, bool> changed[] = {
      {"config", given.config != plain.config},   {"kind", given.kind != plain.kind},
      {"width", given.width != plain.width},      {"height", given.height != plain.height},
      {"scale", given.scale != plain.scale},      {"mean", given.mean != plain.mean},
      {"swap_rb", given.swap_rb != plain.swap_rb}};
  for (const auto& [name, is] : changed)
    if (is) return fmt::format("the known model '{}' has its own '{}': leave it out", model.name, name);
  return std::nullopt;
}

std::optional<std::string> files_and_sizes(const ParamValues& values) {
  const Options given = params().read(values);
  if (const KnownModel* model = find_known_model(given.model)) return problem_of_known(*model, given);
  if (auto problem = problem_of_names(given.model, given.config)) return problem;
  if (given.kind == "auto") return "a model from a file needs 'kind': ssd, yolo or centernet";
  if (given.width == 0 || given.height == 0) return "a model from a file needs 'width' and 'height' of its input";
  return std::nullopt;
}

TaskDecl declaration() {
  return {
      .name = "detect",
      .doc =
          "Finds objects with a neural network (OpenCV's dnn) and leaves the picture as it is. Attribute 'detections': "
          "a "
          "JSON list of {\"label\",\"class_id\",\"score\",\"box\":[x,y,width,height]} in pixels of the picture, best "
          "first, at most 200. 'ride models fetch centernet' installs a model.",
      .params = params().specs(),
      .rule = files_and_sizes};
}

NetKind kind_of(const std::string& name) {
  return name == "ssd" ? NetKind::ssd : name == "yolo" ? NetKind::yolo : NetKind::centernet;
}

cv::Scalar scalar_of(const std::string& mean) {
  const auto numbers = mean_in(mean).value_or(std::array<double, 3>{});
  return {numbers[0], numbers[1], numbers[2]};
}

// Shipped or installed here: its bytes are looked at before they are parsed.
Result<DetectorPlan> plan_for(const KnownModel& model, const TaskEnv& env) {
  std::filesystem::path file = file_for(env, "model", "");
  if (file.empty()) {
    RIDE_ASSIGN(const auto folder, models_folder());
    file = folder / model.installed.name;
  }
  RIDE_TRY(expect_installed(model, file));
  return DetectorPlan{.network = {.model = file.string(),
                                  .outputs = model.outputs,
                                  .input = {model.width, model.height},
                                  .scale = model.scale,
                                  .mean = scalar_of(model.mean),
                                  .swap_rb = model.swap_rb},
                      .kind = kind_of(model.kind),
                      .labels = model.labels};
}

Result<DetectorPlan> plan_of(const Options& options, const TaskEnv& env) {
  DetectorPlan plan{.network = {.model = file_for(env, "model", options.model),
                                .config = file_for(env, "config", options.config),
                                .input = {options.width, options.height},
                                .scale = options.scale,
                                .mean = scalar_of(options.mean),
                                .swap_rb = options.swap_rb},
                    .kind = kind_of(options.kind)};
  if (const KnownModel* model = find_known_model(options.model)) {
    RIDE_ASSIGN(plan, plan_for(*model, env));
  }
  if (!options.labels.empty()) plan.labels = file_for(env, "labels", options.labels);
  if (!options.classes.empty()) plan.classes = comma_parts(options.classes);
  plan.threshold = options.threshold;
  plan.nms = options.nms;
  return plan;
}

class Detect : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    RIDE_ASSIGN(const auto plan, plan_of(params().read(env.params), env));
    RIDE_ASSIGN(detector_, Detector::open(plan));
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}));
    const auto objects = detector_->find(frame.image);
    if (!objects.ok())
      return Error{objects.error().code, fmt::format("{}: {}", place(env_, frame), objects.error().message)};
    Frame found = frame;
    found.attributes[kDetectionsAttribute] = detections_to_json(*objects);
    out.emit(std::move(found));
    return {};
  }

  void close() override { detector_.reset(); }

 private:
  TaskEnv env_;
  std::unique_ptr<Detector> detector_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Detect)

}  // namespace ride::tasks::detect
