// What detection networks give, as boxes: SSD, YOLO and CenterNet. Pure: from cv::Mat of 32-bit floats to values; any
// thread. Boxes are relative to the network's input picture: 0 is its left or upper edge, 1 the right or lower one.
// Failure: invalid_argument where an output has not the shape of its kind, with both shapes. What is no box at all (a
// number that is not finite, no extent, a score outside of 0..1) is left out; of the rest the best kMaxCandidates are
// kept, so that a network which finds something everywhere costs no more.
#pragma once

#include <opencv2/core/mat.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {

enum class NetKind { ssd, yolo, centernet };

// Where YOLO's numbers lie.
enum class YoloForm {
  region,   // Darknet (v2 to v4): N x (5 + classes), relative [x, y, width, height, objectness, scores...] around a
            // center; OpenCV's layer has multiplied the scores by the objectness; one output for each scale
  rows,     // ONNX of v5: 1 x N x (5 + classes), in input pixels; the score is objectness times the class's
  columns,  // ONNX of v8: 1 x (4 + classes) x N, in input pixels; no objectness
};

struct NetBox {
  int class_id = 0;  // the network's number; SSD counts the background, which is 0
  double score = 0;
  double left = 0, top = 0, right = 0, bottom = 0;

  bool operator==(const NetBox&) const = default;
};

inline constexpr std::size_t kMaxCandidates = 1000;  // of one picture, before those that overlap are left out

// Rows [image, class, score, left, top, right, bottom], relative (Liu et al., "SSD: single shot multibox detector",
// 2016; OpenCV's layer DetectionOutput); 1 x 1 x N x 7, filled up with rows of zeros. Of image 0 alone.
Result<std::vector<NetBox>> decode_ssd(const cv::Mat& output, double threshold);

// The best class of each row (Redmon and Farhadi, "YOLOv3", 2018). `input`: size of the network's input.
Result<std::vector<NetBox>> decode_yolo(const std::vector<cv::Mat>& outputs, YoloForm form, cv::Size input,
                                        double threshold);
YoloForm yolo_form_of_onnx(const cv::Mat& output);  // classes are fewer than boxes
Result<int> yolo_classes(const std::vector<cv::Mat>& outputs, YoloForm form);

// Peaks of the heat map that no neighbour of the eight exceeds (Zhou et al., "Objects as points", 2019), and from each
// to the left, upper, right and lower side. `heat`: 1 x classes x h x w of scores; `sides`: 1 x 4 x h x w, in input
// pixels.
Result<std::vector<NetBox>> decode_centernet(const cv::Mat& heat, const cv::Mat& sides, cv::Size input,
                                             double threshold);
Result<int> centernet_classes(const cv::Mat& heat, const cv::Mat& sides);

// Best first, at most kMaxDetections; without those that overlap a better one of their class by more than `iou`
// (intersection over union; 1: all stay).
std::vector<NetBox> without_overlaps(std::vector<NetBox> boxes, double iou);

// In whole pixels of the picture, cut at its border; nothing where no pixel is left.
std::optional<cv::Rect> box_in_picture(const NetBox& box, cv::Size picture);

std::string output_shape(const cv::Mat& output);  // "1x80x128x128"

}  // namespace ride::tasks
