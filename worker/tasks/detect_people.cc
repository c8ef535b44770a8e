// detect_people: OpenCV's HOG detector with its trained people classifier (Dalal and Triggs, "Histograms of oriented
// gradients for human detection", 2005). The picture goes on as it came; 16U and 32F are looked at in 8 bits.
#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <tuple>

#include "worker/tasks/detections.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

class DetectPeople : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    scale_ = get_number(env.params, "scale");
    stride_ = static_cast<int>(get_int(env.params, "stride"));
    padding_ = static_cast<int>(get_int(env.params, "padding"));
    pyramid_scale_ = get_number(env.params, "pyramid_scale");
    hit_threshold_ = get_number(env.params, "hit_threshold");
    group_threshold_ = static_cast<double>(get_int(env.params, "group_threshold"));
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
    if (scale_ != 1.0) {
      // Through doubles: a picture of one pixel must not become one of none.
      const cv::Size size(std::max(1, cvRound(view.cols * scale_)), std::max(1, cvRound(view.rows * scale_)));
      cv::resize(view, scaled_, size, 0, 0, scale_ < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
      view = scaled_;
    }
    if (view.cols + 2 * padding_ < hog_.winSize.width || view.rows + 2 * padding_ < hog_.winSize.height) return {};
    std::vector<cv::Rect> boxes;
    std::vector<double> scores;
    hog_.detectMultiScale(view, boxes, scores, hit_threshold_, cv::Size(stride_, stride_), cv::Size(padding_, padding_),
                          pyramid_scale_, group_threshold_);
    const double x_factor = static_cast<double>(image.cols) / view.cols;
    const double y_factor = static_cast<double>(image.rows) / view.rows;
    std::vector<Detection> people;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      people.push_back(person(boxes[i], scores[i], x_factor, y_factor, image.size()));
    }
    // The detector's threads add in any order; ours is fixed.
    std::sort(people.begin(), people.end(), [](const Detection& a, const Detection& b) {
      return std::tuple(-a.score, a.x, a.y, a.width, a.height) < std::tuple(-b.score, b.x, b.y, b.width, b.height);
    });
    return people;
  }

  // In whole pixels of the full picture, cut to it.
  static Detection person(const cv::Rect& box, double score, double x_factor, double y_factor, cv::Size picture) {
    const cv::Rect full(cvRound(box.x * x_factor), cvRound(box.y * y_factor), cvRound(box.width * x_factor),
                        cvRound(box.height * y_factor));
    const cv::Rect cut = full & cv::Rect(cv::Point(0, 0), picture);
    return {.label = "person",
            .score = score,
            .x = static_cast<double>(cut.x),
            .y = static_cast<double>(cut.y),
            .width = static_cast<double>(cut.width),
            .height = static_cast<double>(cut.height)};
  }

  TaskEnv env_;
  cv::HOGDescriptor hog_;
  cv::Mat eight_bit_, scaled_;
  double scale_ = 1, pyramid_scale_ = 1.15, hit_threshold_ = 0, group_threshold_ = 1;
  int stride_ = 8, padding_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_detect_people() { return std::make_unique<DetectPeople>(); }

}  // namespace ride::tasks
