// detect_faces: OpenCV's cascade classifiers (Viola and Jones, "Rapid object detection using a boosted cascade of
// simple features", 2001; with local binary patterns: Liao et al., 2007), trained ones from Debian's package
// opencv-data. The picture goes on as it came; it is looked at in 8-bit brightness. Memory: what a picture of
// kMostPixels needs, 1 GB at the finest steps, since larger ones are reduced to that first.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "worker/tasks/cascade_file.h"
#include "worker/tasks/found_boxes.h"
#include "worker/tasks/input_file.h"
#include "worker/tasks/label_list.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::detect_faces {
namespace {

struct Options {
  std::string cascade = "frontal_default";
  double scale_factor = 1.1;
  int min_neighbors = 4;
  int min_size = 30;
  int max_size = 0;
  std::string label = "face";
};

constexpr const char* kFolder = "/usr/share/opencv4/";  // Debian's opencv-data

struct Known {
  const char* name;
  const char* file;
};
constexpr Known kKnown[] = {{"frontal_default", "haarcascades/haarcascade_frontalface_default.xml"},
                            {"frontal_alt", "haarcascades/haarcascade_frontalface_alt.xml"},
                            {"frontal_alt2", "haarcascades/haarcascade_frontalface_alt2.xml"},
                            {"frontal_alt_tree", "haarcascades/haarcascade_frontalface_alt_tree.xml"},
                            {"profile", "haarcascades/haarcascade_profileface.xml"},
                            {"lbp_frontal", "lbpcascades/lbpcascade_frontalface.xml"},
                            {"lbp_frontal_improved", "lbpcascades/lbpcascade_frontalface_improved.xml"},
                            {"lbp_profile", "lbpcascades/lbpcascade_profileface.xml"},
                            {"eye", "haarcascades/haarcascade_eye.xml"},
                            {"eye_glasses", "haarcascades/haarcascade_eye_tree_eyeglasses.xml"},
                            {"smile", "haarcascades/haarcascade_smile.xml"},
                            {"upper_body", "haarcascades/haarcascade_upperbody.xml"},
                            {"full_body", "haarcascades/haarcascade_fullbody.xml"},
                            {"cat", "haarcascades/haarcascade_frontalcatface.xml"}};

std::string known_names() {
  std::string names;
  for (const Known& one : kKnown) names += (names.empty() ? "" : ", ") + std::string(one.name);
  return names;
}

std::optional<std::string> file_of(const std::string& cascade) {
  if (cascade.find('/') != std::string::npos) return cascade;
  for (const Known& one : kKnown) {
    if (cascade == one.name) return std::string(kFolder) + one.file;
  }
  return std::nullopt;
}

std::optional<std::string> cascade_rule(const ParamValue& value) {
  if (file_of(std::get<std::string>(value))) return std::nullopt;
  return "it is neither a path (with '/') nor one of " + known_names();
}

Result<std::optional<std::string>> locate_cascade(const std::string& value) {
  const auto file = file_of(value);
  return file ? locate_path(*file) : std::optional<std::string>();
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"cascade",
       &Options::cascade,
       "What is looked for: a cascade of Debian's package opencv-data by its short name, or the path of a file",
       {.rule = cascade_rule,
        .rule_doc = "a path (with '/') or one of " + known_names(),
        .file = InputFile{locate_cascade, kMaxCascadeFile}}},
      {"scale_factor",
       &Options::scale_factor,
       "Factor between the sizes searched; nearer to 1 finds more and takes longer",
       {.min = 1.05, .max = 2}},
      {"min_neighbors",
       &Options::min_neighbors,
       "Overlapping windows needed for one detection; more of them: fewer false ones. 0: every window counts",
       {.min = 0, .max = 100}},
      {"min_size",
       &Options::min_size,
       "Smallest width and height found, in pixels; not below the cascade's window (20 to 45)",
       {.min = 0, .max = 30'000}},
      {"max_size",
       &Options::max_size,
       "Largest width and height found, in pixels; 0: the picture's",
       {.min = 0, .max = 30'000}},
      {"label", &Options::label, "Label of what is found", {.rule = label_rule, .rule_doc = kLabelRuleDoc}}};
  return kParams;
}

std::optional<std::string> rule(const ParamValues& values) {
  const auto least = get_int(values, "min_size"), most = get_int(values, "max_size");
  if (most == 0 || most >= least) return std::nullopt;
  return fmt::format("'max_size' ({}) is below 'min_size' ({})", most, least);
}

TaskDecl declaration() {
  return {.name = "detect_faces",
          .doc =
              "Finds faces with OpenCV's cascade classifiers (Viola and Jones, 2001) and leaves the picture as it is. "
              "Attribute 'detections': a JSON list of {\"label\",\"score\",\"box\":[x,y,width,height]} in pixels of "
              "the picture, best first; the score is the number of windows that agree. Upright faces seen from the "
              "front; 'profile' finds those that look to the left. A picture of more than 8 megapixels is reduced to "
              "8 for the search, and the smallest face found grows with it.",
          .params = params().specs(),
          .rule = rule};
}

constexpr double kMostPixels = 8e6;

class DetectFaces : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    auto loaded = load_cascade(file_for(env, "cascade", *file_of(options_.cascade)), cascade_);
    if (loaded) return {};
    Error error = loaded.error();
    error.message = fmt::format("stage '{}', detect_faces: {}", env.stage, error.message);
    return error;
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    Frame found = frame;
    found.attributes[kDetectionsAttribute] = detections_to_json(search(frame.image));
    out.emit(std::move(found));
    return {};
  }

 private:
  std::vector<Detection> search(const cv::Mat& image) {
    const cv::Mat view = brightness_of(as_8bit(reduced_to(kMostPixels, image, reduced_), eight_bit_));
    const double x_factor = static_cast<double>(image.cols) / view.cols;
    const double y_factor = static_cast<double>(image.rows) / view.rows;
    const cv::Size window = cascade_.getOriginalWindowSize();
    if (view.cols < window.width || view.rows < window.height) return {};
    const cv::Size least(cvRound(options_.min_size / x_factor), cvRound(options_.min_size / y_factor));
    cv::Size most = view.size();
    if (options_.max_size > 0) most = {cvRound(options_.max_size / x_factor), cvRound(options_.max_size / y_factor)};
    std::vector<cv::Rect> boxes;
    std::vector<int> windows;
    cascade_.detectMultiScale(view, boxes, windows, options_.scale_factor, options_.min_neighbors, 0, least, most);
    std::vector<Detection> faces;
    faces.reserve(boxes.size());
    for (std::size_t i = 0; i < boxes.size(); ++i)
      faces.push_back(detection_at(boxes[i], view.size(), image.size(), options_.label, windows[i]));
    keep_best(faces);
    return faces;
  }

  TaskEnv env_;
  Options options_;
  cv::CascadeClassifier cascade_;
  cv::Mat reduced_, eight_bit_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, DetectFaces)

}  // namespace ride::tasks::detect_faces
