// detect_people: OpenCV's HOG detector with its trained people classifier (Dalal and Triggs, "Histograms of oriented
// gradients for human detection", 2005). The picture goes on as it came; 16U and 32F are looked at in 8 bits.
#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "worker/tasks/found_boxes.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::detect_people {
namespace {

// Defaults measured on Debian's vtest.avi (768x576), one core, against a pass with pyramid_scale 1.05 and
// group_threshold 2 (7 frames/s): 1.15 and 1 do 18.5 frames/s and find 88 % of its boxes (IoU >= 0.5), 92 % of their
// own are among them. A smaller input finds far fewer (scale 0.75: 28 %), since people there are hardly taller than the
// detector's window of 128 pixels.
struct Options {
  double scale = 1;
  int stride = 8;
  int padding = 0;
  double pyramid_scale = 1.15;
  double hit_threshold = 0;
  int group_threshold = 1;
};

std::optional<std::string> multiple_of_8(const ParamValue& value) {
  if (std::get<std::int64_t>(value) % 8 == 0) return std::nullopt;
  return "a multiple of 8 is needed, the side of a cell";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"scale",
       &Options::scale,
       "Factor by which the picture is resized before the search; above 1 finds smaller people",
       {.min = 0.1, .max = 4}},
      {"stride",
       &Options::stride,
       "Step of the search window, in pixels",
       {.min = 8, .max = 64, .rule = multiple_of_8, .rule_doc = "a multiple of 8"}},
      {"padding",
       &Options::padding,
       "Pixels added around the picture, for people at its edge",
       {.min = 0, .max = 64, .rule = multiple_of_8, .rule_doc = "a multiple of 8"}},
      {"pyramid_scale",
       &Options::pyramid_scale,
       "Factor between the sizes searched; nearer to 1 finds more and takes longer",
       {.min = 1.01, .max = 2}},
      {"hit_threshold", &Options::hit_threshold, "Score from which a window counts", {.min = -10, .max = 10}},
      {"group_threshold",
       &Options::group_threshold,
       "Overlapping windows needed beyond the first for one detection; 0: every window counts",
       {.min = 0, .max = 100}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "detect_people",
      .doc =
          "Finds standing people with OpenCV's HOG detector (Dalal and Triggs, 2005) and leaves the picture as it is. "
          "Attribute 'detections': a JSON list of {\"label\",\"score\",\"box\":[x,y,width,height]} in pixels of the "
          "picture, best first; the score is the distance to the classifier's plane. People under about 100 pixels "
          "of height are missed.",
      .params = params().specs()};
}

class DetectPeople : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    hog_.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
    return {};
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
    cv::Mat view = as_8bit(image, eight_bit_);
    const double scale = options_.scale;
    if (scale != 1.0) {
      // Through doubles: a picture of one pixel must not become one of none.
      const cv::Size size(std::max(1, cvRound(view.cols * scale)), std::max(1, cvRound(view.rows * scale)));
      cv::resize(view, scaled_, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
      view = scaled_;
    }
    const int stride = options_.stride, padding = options_.padding;
    if (view.cols + 2 * padding < hog_.winSize.width || view.rows + 2 * padding < hog_.winSize.height) return {};
    std::vector<cv::Rect> boxes;
    std::vector<double> scores;
    hog_.detectMultiScale(view, boxes, scores, options_.hit_threshold, cv::Size(stride, stride),
                          cv::Size(padding, padding), options_.pyramid_scale, options_.group_threshold);
    std::vector<Detection> people;
    people.reserve(boxes.size());
    for (std::size_t i = 0; i < boxes.size(); ++i)
      people.push_back(detection_at(boxes[i], view.size(), image.size(), "person", scores[i]));
    keep_best(people);
    return people;
  }

  TaskEnv env_;
  cv::HOGDescriptor hog_;
  cv::Mat eight_bit_, scaled_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, DetectPeople)

}  // namespace ride::tasks::detect_people
