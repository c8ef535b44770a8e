#include "worker/tasks/detector.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/cause.h"
#include "common/suggest.h"
#include "worker/tasks/detect_labels.h"
#include "worker/tasks/picture.h"

namespace ride::tasks {

Result<std::unique_ptr<Detector>> Detector::open(const DetectorPlan& plan) {
  std::unique_ptr<Detector> detector(new Detector(plan));
  if (!plan.labels.empty()) {
    RIDE_ASSIGN(detector->labels_, read_labels(plan.labels));
  }
  RIDE_TRY(detector->check_wanted());
  detector->wanted_ = {plan.classes.begin(), plan.classes.end()};
  RIDE_ASSIGN(detector->network_, Network::open(plan.network));
  RIDE_TRY(detector->fit_labels());
  return detector;
}

Result<void> Detector::check_wanted() const {
  for (const auto& name : plan_.classes) {
    if (labels_.empty())
      return Error{ErrorCode::invalid_argument, "'classes' names labels, but there are none: state 'labels', too"};
    if (std::find(labels_.begin(), labels_.end(), name) != labels_.end()) continue;
    const auto meant = did_you_mean(name, labels_);
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("'classes' names '{}', which is not among the labels of '{}'{}", name, plan_.labels, meant)};
  }
  return {};
}

// Runs it once on a black picture: outputs that are of another kind, and labels that do not fit, are told before the
// first frame. (Where an SSD does not say how many classes it has, what it finds shows it.)
Result<void> Detector::fit_labels() {
  std::vector<cv::Mat> outputs;
  try {
    outputs = network_->run(cv::Mat::zeros(plan_.network.input, CV_8UC3));
  } catch (const std::exception& failure) {
    return Error{
        ErrorCode::corrupt,
        fmt::format("the model file {} cannot be run on a picture of {}x{} ('width' and 'height'): {}",
                    plan_.network.model, plan_.network.input.width, plan_.network.input.height, cause_of(failure))};
  }
  if (const auto boxes = decode(outputs); !boxes.ok()) return boxes.error();
  first_label_ = plan_.kind == NetKind::ssd ? 1 : 0;  // behind the background
  RIDE_ASSIGN(const int classes, class_count(outputs));
  if (labels_.empty() || classes == 0) return {};
  const int listed = static_cast<int>(labels_.size());
  if (listed == classes) {  // a list for SSD that names the background, too
    first_label_ = 0;
    return {};
  }
  if (listed == classes - first_label_) return {};
  return Error{ErrorCode::invalid_argument,
               fmt::format("the labels do not fit the model: '{}' has {}, but {} finds {} classes", plan_.labels,
                           listed, plan_.network.model, classes - first_label_)};
}

// 0: not known.
Result<int> Detector::class_count(const std::vector<cv::Mat>& outputs) const {
  switch (plan_.kind) {
    case NetKind::ssd:
      return network_->ssd_classes().value_or(0);
    case NetKind::yolo:
      return yolo_classes(outputs, yolo_form(outputs));
    case NetKind::centernet:
      return centernet_classes(outputs[0], outputs[1]);
  }
  return 0;
}

YoloForm Detector::yolo_form(const std::vector<cv::Mat>& outputs) const {
  if (network_->framework() == Framework::darknet) return YoloForm::region;
  return yolo_form_of_onnx(outputs.front());
}

Result<std::vector<NetBox>> Detector::decode(const std::vector<cv::Mat>& outputs) const {
  const auto of_number = [&](const char* kind, std::size_t wanted) {
    return Error{ErrorCode::invalid_argument, fmt::format("kind '{}' reads {} output{}, but {} has {}", kind, wanted,
                                                          wanted == 1 ? "" : "s", plan_.network.model, outputs.size())};
  };
  switch (plan_.kind) {
    case NetKind::ssd:
      if (outputs.size() != 1) return of_number("ssd", 1);
      return decode_ssd(outputs[0], plan_.threshold);
    case NetKind::yolo:
      if (outputs.empty()) return of_number("yolo", 1);
      return decode_yolo(outputs, yolo_form(outputs), plan_.network.input, plan_.threshold);
    case NetKind::centernet:
      if (outputs.size() != 2) return of_number("centernet", 2);
      return decode_centernet(outputs[0], outputs[1], plan_.network.input, plan_.threshold);
  }
  return std::vector<NetBox>{};
}

// First smaller, then another depth: a large picture is never copied whole. The same as cv::dnn::blobFromImage does.
cv::Mat Detector::shrunk(const cv::Mat& image) {
  cv::resize(image, resized_, plan_.network.input, 0, 0, cv::INTER_LINEAR);
  cv::Mat picture = as_8bit(resized_, eight_bit_);
  if (picture.channels() == 3) return picture;
  cv::cvtColor(picture, colored_, cv::COLOR_GRAY2BGR);
  return colored_;
}

Result<std::string> Detector::label_of(int class_id) const {
  if (labels_.empty()) return fmt::format("class {}", class_id);
  const int index = class_id - first_label_;
  if (index >= 0 && index < static_cast<int>(labels_.size())) return labels_[static_cast<std::size_t>(index)];
  return Error{ErrorCode::invalid_argument,
               fmt::format("the labels do not fit the model: it found class {}, but '{}' names classes {} to {}",
                           class_id, plan_.labels, first_label_, first_label_ + static_cast<int>(labels_.size()) - 1)};
}

Result<std::vector<Detection>> Detector::find(const cv::Mat& image) {
  RIDE_ASSIGN(auto boxes, decode(network_->run(shrunk(image))));
  std::vector<NetBox> named;
  for (const NetBox& box : boxes) {
    RIDE_ASSIGN(const std::string label, label_of(box.class_id));
    if (wanted_.empty() || wanted_.contains(label)) named.push_back(box);
  }
  std::vector<Detection> found;
  for (const NetBox& box : without_overlaps(std::move(named), plan_.nms)) {
    const auto cut = box_in_picture(box, image.size());
    if (!cut) continue;
    RIDE_ASSIGN(std::string label, label_of(box.class_id));
    found.push_back({.label = std::move(label),
                     .score = box.score,
                     .x = static_cast<double>(cut->x),
                     .y = static_cast<double>(cut->y),
                     .width = static_cast<double>(cut->width),
                     .height = static_cast<double>(cut->height),
                     .class_id = labels_.empty() ? box.class_id : box.class_id - first_label_});
  }
  return found;
}

}  // namespace ride::tasks
