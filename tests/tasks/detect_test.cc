// The task `detect` with networks that the tests make: an SSD without weights, a Darknet network of 72 numbers, an ONNX
// graph that gives its input in another shape. What a real network finds: detect_street_test.cc.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <opencv2/imgproc.hpp>

#include "cli/models/proto_writer.h"
#include "tests/tasks/harness.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {
namespace {

// 64x64 in cells of 16x16: the mean of a cell's blue, green and red is its score as background, class 1 and class 2,
// and its box is the cell.
constexpr const char* kWeightlessSsd = R"(name: "cells"
input: "data" input_shape { dim: 1 dim: 3 dim: 64 dim: 64 }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: AVE kernel_size: 16 stride: 16 } }
layer { name: "perm" type: "Permute" bottom: "pool" top: "perm" permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "conf" type: "Flatten" bottom: "perm" top: "conf" flatten_param { axis: 1 } }
layer { name: "one" type: "Slice" bottom: "pool" top: "one" top: "rest" slice_param { axis: 1 slice_point: 1 } }
layer { name: "four" type: "Concat" bottom: "pool" bottom: "one" top: "four" concat_param { axis: 1 } }
layer { name: "zero" type: "Power" bottom: "four" top: "zero" power_param { scale: 0 } }
layer { name: "zperm" type: "Permute" bottom: "zero" top: "zperm" permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "loc" type: "Flatten" bottom: "zperm" top: "loc" flatten_param { axis: 1 } }
layer { name: "prior" type: "PriorBox" bottom: "pool" bottom: "data" top: "prior"
        prior_box_param { min_size: 16 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "found"
        detection_output_param { num_classes: 3 share_location: true background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 100 }
                                 code_type: CENTER_SIZE keep_top_k: 100 confidence_threshold: 0.5 } }
)";

// One cell, one anchor of 16x8 in 32x32: the box is the anchor in the middle (tx = ty = tw = th = 0), and its score the
// product of two sigmoids.
constexpr const char* kDarknetConfig =
    "[net]\nwidth=32\nheight=32\nchannels=3\n[maxpool]\nsize=32\nstride=32\n"
    "[convolutional]\nfilters=6\nsize=1\nstride=1\npad=0\nactivation=linear\n"
    "[yolo]\nmask=0\nanchors=16,8\nclasses=1\nnum=1\n";

// A green square of 200/255 and a red one of 240/255.
cv::Mat squares() {
  cv::Mat picture(64, 64, CV_8UC3, cv::Scalar::all(0));
  picture(cv::Rect(16, 32, 16, 16)) = cv::Scalar(0, 200, 0);
  picture(cv::Rect(48, 0, 16, 16)) = cv::Scalar(0, 0, 240);
  return picture;
}

std::vector<Detection> objects_in(Task& task, const cv::Mat& picture) {
  KeepingEmitter out;
  const Frame frame = with_bytes(frame_of(picture), {1, 2, 3}, "image/jpeg");
  const auto done = task.process(frame, out);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  if (!done) return {};
  EXPECT_EQ(out.only().image.data, frame.image.data) << "the picture was replaced";
  EXPECT_TRUE(out.only().encoded);
  EXPECT_EQ(out.only().attributes.at("camera"), "north");
  return detections_from_json(out.only().attributes.at("detections")).value();
}

class Detect : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  ParamValues ssd(const ParamValues& more = {}) {
    return with({{"model", file("cells.prototxt", kWeightlessSsd)}, {"kind", std::string("ssd")}}, more);
  }
  // Of 64x64, pixels 0 to 1, blue first.
  static ParamValues with(ParamValues params, const ParamValues& more) {
    params.merge(ParamValues{{"width", std::int64_t{64}},
                             {"height", std::int64_t{64}},
                             {"scale", 1 / 255.0},
                             {"swap_rb", false},
                             {"threshold", 0.5}});
    for (const auto& [name, value] : more) params[name] = value;
    return params;
  }
  static std::string open_error(const ParamValues& params) {
    const auto opened = try_open("detect", params);
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error().message;
  }

  TempFolder folder_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Detect, TheWeightlessSsdFindsTheTwoSquares) {
  const std::vector<Detection> wanted = {{"class 2", .9412, 48, 0, 16, 16, "", 2},
                                         {"class 1", .7843, 16, 32, 16, 16, "", 1}};
  EXPECT_EQ(objects_in(*opened("detect", ssd()), squares()), wanted);
}

TEST_F(Detect, LabelsNameTheClassesBehindTheBackgroundAndBoxesStandInTheFullPicture) {
  const auto labels = file("labels.txt", "green\r\nred\n\n");
  cv::Mat large;
  cv::resize(squares(), large, cv::Size(640, 320), 0, 0, cv::INTER_NEAREST);
  const std::vector<Detection> wanted = {{"red", .9412, 480, 0, 160, 80, "", 1},
                                         {"green", .7843, 160, 160, 160, 80, "", 0}};
  EXPECT_EQ(objects_in(*opened("detect", ssd({{"labels", labels}})), large), wanted);
  const auto all = file("all.txt", "background\ngreen\nred\n");
  EXPECT_EQ(objects_in(*opened("detect", ssd({{"labels", all}})), squares()),
            (std::vector<Detection>{{"red", .9412, 48, 0, 16, 16, "", 2}, {"green", .7843, 16, 32, 16, 16, "", 1}}));
}

TEST_F(Detect, OnlyTheWantedClassesAndScoresStay) {
  const auto labels = file("labels.txt", "green\nred\n");
  const auto count = [&](const ParamValues& more) {
    ParamValues params = ssd({{"labels", labels}});
    for (const auto& [name, value] : more) params[name] = value;
    return objects_in(*opened("detect", params), squares()).size();
  };
  EXPECT_EQ(count({{"classes", std::string("green")}}), 1U);
  EXPECT_EQ(count({{"classes", std::string(" red, green ")}}), 2U);
  EXPECT_EQ(count({{"threshold", 0.79}}), 1U);
  EXPECT_EQ(count({{"threshold", 0.95}}), 0U);
  EXPECT_EQ(count({{"mean", std::string("0,0,255")}}), 1U) << "red is the third channel of the network's input";
  EXPECT_EQ(count({{"mean", std::string("255")}}), 0U);
}

TEST_F(Detect, SwapRbGivesTheNetworkRedFirst) {
  cv::Mat picture = squares();
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  EXPECT_EQ(objects_in(*opened("detect", ssd({{"swap_rb", true}})), picture),
            objects_in(*opened("detect", ssd()), squares()));
}

TEST_F(Detect, LooksAtOtherDepthsAndChannelsAlike) {
  auto task = opened("detect", ssd());
  const auto wanted = objects_in(*task, squares());
  ASSERT_EQ(wanted.size(), 2U);
  cv::Mat deep, alpha, real;
  squares().convertTo(deep, CV_16U, 257);
  EXPECT_EQ(objects_in(*task, deep), wanted);
  cv::cvtColor(squares(), alpha, cv::COLOR_BGR2BGRA);
  EXPECT_EQ(objects_in(*task, alpha), wanted);
  squares().convertTo(real, CV_32F, 1 / 255.0);
  EXPECT_EQ(objects_in(*task, real), wanted);
  // Gray is green and red at once: two classes in one cell, of which both stay.
  cv::Mat gray(64, 64, CV_8UC1, cv::Scalar(0));
  gray(cv::Rect(0, 0, 16, 16)) = 204;
  const auto both = objects_in(*task, gray);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].score, .8);
}

TEST_F(Detect, StandsEverySizeAndNumbersThatAreNone) {
  auto task = opened("detect", ssd());
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 500), cv::Size(500, 1), cv::Size(37, 53), cv::Size(3000, 20)})
    EXPECT_TRUE(objects_in(*task, cv::Mat(size, CV_8UC3, cv::Scalar::all(20))).empty()) << size;
  const auto whole = objects_in(*task, cv::Mat(1, 1, CV_8UC3, cv::Scalar(0, 0, 240)));
  for (const auto& d : whole) EXPECT_EQ((cv::Rect2d(d.x, d.y, d.width, d.height)), cv::Rect2d(0, 0, 1, 1));
  cv::Mat odd(64, 64, CV_32FC3, cv::Scalar::all(std::nan("")));
  odd.row(3) = cv::Scalar::all(INFINITY);
  objects_in(*task, odd);
  EXPECT_SAYS(error_of("detect", ssd(), frame_of(cv::Mat())), "gate/3/0");
  EXPECT_SAYS(error_of("detect", ssd(), frame_of(cv::Mat(4, 4, CV_64F, cv::Scalar(0)))), "64F");
  EXPECT_SAYS(error_of("detect", ssd(), frame_of(cv::Mat(4, 4, CV_8UC2, cv::Scalar(0)))), "2");
}

TEST_F(Detect, LabelsThatDoNotFitAreToldAtOpen) {
  EXPECT_SAYS(open_error(ssd({{"labels", std::string("coco80")}})),
              "the labels do not fit the model: 'coco80' has 80, but");
  EXPECT_SAYS(open_error(ssd({{"labels", std::string("coco80")}})), "finds 2 classes");
  EXPECT_SAYS(open_error(ssd({{"labels", file("none.txt", "\n\n")}})), "is empty");
  EXPECT_SAYS(open_error(ssd({{"labels", std::string("-")}})), "'labels' is '-'");
  EXPECT_SAYS(open_error(ssd({{"labels", file("gap.txt", "a\n\nb\n")}})), "gap.txt:2: a label");
  EXPECT_SAYS(open_error(ssd({{"labels", file("tab.txt", "a\tb\nc\n")}})), "tab.txt:1: a label");
  EXPECT_SAYS(open_error(ssd({{"labels", folder_ / "nowhere.txt"}})), "nowhere.txt");
  EXPECT_SAYS(open_error(ssd({{"labels", folder_ / ""}})), "it is a folder");
  EXPECT_SAYS(open_error(ssd({{"classes", std::string("red")}})), "state 'labels', too");
  const auto labels = file("labels.txt", "green\nred\n");
  EXPECT_SAYS(open_error(ssd({{"labels", labels}, {"classes", std::string("grean")}})), "did you mean 'green'?");
}

TEST_F(Detect, FilesThatAreNoModelsAreErrorsWithPathAndCause) {
  const auto model = [&](const std::string& path, const std::string& config = "") {
    return with({{"model", path}, {"config", config}, {"kind", std::string("ssd")}}, {});
  };
  const auto cells = file("cells.prototxt", kWeightlessSsd), cfg = file("net.cfg", kDarknetConfig);
  const std::string noise = std::string("GIF89a\0\1\2\xff", 10) + std::string(500, '\x9c');
  for (const std::string ending : {".caffemodel", ".pb", ".onnx", ".weights", ".prototxt"}) {
    const std::string config = ending == ".caffemodel" ? cells : ending == ".weights" ? cfg : "";
    EXPECT_SAYS(open_error(model(folder_ / ("missing" + ending), config)), "missing" + ending + " cannot be read");
    EXPECT_SAYS(open_error(model(file("empty" + ending, ""), config)), "empty" + ending + " is empty");
    EXPECT_SAYS(open_error(model(file("noise" + ending, noise), config)), "noise" + ending);
    ASSERT_EQ(::mkdir((folder_ / ("folder" + ending)).c_str(), 0700), 0);
    EXPECT_SAYS(open_error(model(folder_ / ("folder" + ending), config)), "is no regular file");
    ASSERT_EQ(::mkfifo((folder_ / ("pipe" + ending)).c_str(), 0600), 0);
    EXPECT_SAYS(open_error(model(folder_ / ("pipe" + ending), config)), "is no regular file");
    const auto large = file("large" + ending, "x");
    ASSERT_EQ(::truncate(large.c_str(), (std::int64_t{1} << 30) + 1), 0);  // no disk is used
    EXPECT_SAYS(open_error(model(large, config)), "MB are read");
  }
  EXPECT_SAYS(open_error(ssd({{"model", file("half.prototxt", std::string(kWeightlessSsd, 700))}})), "half.prototxt");
  EXPECT_SAYS(open_error(ssd({{"kind", std::string("centernet")}})), "kind 'centernet' reads 2 outputs");
  EXPECT_SAYS(open_error(ssd({{"kind", std::string("yolo")}})), "the outputs of kind 'yolo'");
}

// Doubled seventeen times: 6 GB.
TEST_F(Detect, AModelThatNeedsTooMuchMemoryIsRefused) {
  std::string large = "input: \"data\" input_shape { dim: 1 dim: 3 dim: 64 dim: 64 }\n", from = "data";
  for (int i = 0; i < 17; ++i) {
    const std::string to = "twice" + std::to_string(i);
    large += "layer { name: \"" + to + "\" type: \"Concat\" bottom: \"" + from + "\" bottom: \"" + from + "\" top: \"" +
             to + "\" concat_param { axis: 1 } }\n";
    from = to;
  }
  EXPECT_SAYS(open_error(ssd({{"model", file("large.prototxt", large)}})), "at most 4096 MB are given");
}

TEST_F(Detect, WhatTheFileOfATopologyCannotMeanIsToldBeforeAnythingRuns) {
  const auto text = [](const char* value) { return std::string(value); };
  EXPECT_SAYS(problem("detect", {}), "model");
  EXPECT_EQ(problem("detect", {{"model", text("centernet")}, {"classes", text("person,car")}}), "");
  EXPECT_SAYS(problem("detect", {{"model", text("centrenet")}}), "did you mean 'centernet'?");
  EXPECT_SAYS(problem("detect", {{"model", text("centernet")}, {"scale", 0.5}}), "has its own 'scale'");
  EXPECT_SAYS(problem("detect", {{"model", text("a.onnx")}}), "needs 'kind'");
  EXPECT_SAYS(problem("detect", {{"model", text("a.onnx")}, {"kind", text("yolo")}}), "'width' and 'height'");
  EXPECT_SAYS(problem("detect", {{"model", text("a.weights")}}), "ends in .cfg");
  EXPECT_SAYS(problem("detect", {{"model", text("a.caffemodel")}, {"config", text("a.cfg")}}), "ends in .prototxt");
  EXPECT_SAYS(problem("detect", {{"model", text("a.onnx")}, {"config", text("a.cfg")}}), "leave it out");
  EXPECT_SAYS(problem("detect", {{"model", text("centernet")}, {"mean", text("1,2")}}), "one number or three");
  EXPECT_SAYS(problem("detect", {{"model", text("centernet")}, {"mean", text("1,x,2")}}), "one number or three");
  EXPECT_SAYS(problem("detect", {{"model", text("centernet")}, {"threshold", 0.0}}), "from 0.01 to 1");
}

// A variable of the process for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST_F(Detect, AKnownModelThatIsNotInstalledNamesTheCommand) {
  const Variable models("RIDE_MODELS", folder_ / "models");
  const ParamValues params = {{"model", std::string("centernet")}};
  EXPECT_SAYS(open_error(params), "models/centernet.pb is not there. Run 'ride models fetch centernet'");
  ASSERT_EQ(::mkdir((folder_ / "models").c_str(), 0700), 0);
  file("models/centernet.pb", "foreign");
  EXPECT_SAYS(open_error(params), "models/centernet.pb is damaged or another file. Run 'ride models fetch centernet'");
}

std::string darknet_weights() {
  const std::int32_t header[5] = {0, 2, 5, 0, 0};
  const float biases[6] = {0, 0, 0, 0, 2, 3}, weights[18] = {};
  std::string bytes(reinterpret_cast<const char*>(header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(biases), sizeof biases);
  return bytes.append(reinterpret_cast<const char*>(weights), sizeof weights);
}

TEST_F(Detect, ADarknetNetworkGivesTheBoxOfItsAnchorAndIsRefusedWhenItEndsEarly) {
  const auto params = [&](const std::string& weights) {
    return with({{"model", weights}, {"config", file("tiny.cfg", kDarknetConfig)}, {"kind", std::string("yolo")}},
                {{"width", std::int64_t{32}}, {"height", std::int64_t{32}}});
  };
  const auto found = objects_in(*opened("detect", params(file("tiny.weights", darknet_weights()))),
                                cv::Mat(100, 200, CV_8UC3, cv::Scalar::all(50)));
  ASSERT_EQ(found.size(), 1U);
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_NEAR(found[0].score, sigmoid(2) * sigmoid(3), 1e-4);
  EXPECT_EQ(found[0], (Detection{"class 0", found[0].score, 50, 38, 100, 24, "", 0}))
      << detections_to_json(found) << ": 37.5 and 62.5 are rounded to even";
  const auto whole = darknet_weights();
  EXPECT_SAYS(open_error(params(file("cut.weights", whole.substr(0, whole.size() - 4)))), "it is truncated");
}

// A graph of ONNX (onnx.proto) that gives its input, 1x3x4x6, in another shape: pixels are the network's numbers.
std::string reshaping_onnx(const std::vector<std::int64_t>& to) {
  using models::ProtoWriter;
  constexpr int kFloatType = 1, kInt64Type = 7;
  const auto value = [](const char* name, const std::vector<std::int64_t>& sides) {
    ProtoWriter shape;
    for (const auto side : sides) shape.message(1, ProtoWriter().number(1, side));
    return ProtoWriter().bytes(1, name).message(
        2, ProtoWriter().message(1, ProtoWriter().number(1, kFloatType).message(2, shape)));
  };
  ProtoWriter shape;
  shape.number(1, static_cast<std::int64_t>(to.size())).number(2, kInt64Type);
  shape.bytes(8, "shape").bytes(9, {reinterpret_cast<const char*>(to.data()), to.size() * sizeof(to[0])});
  const auto node = ProtoWriter().bytes(1, "in").bytes(1, "shape").bytes(2, "out").bytes(3, "r").bytes(4, "Reshape");
  const auto graph =
      ProtoWriter().message(1, node).bytes(2, "g").message(5, shape).message(11, value("in", {1, 3, 4, 6}));
  return ProtoWriter()
      .number(1, 7)
      .message(7, ProtoWriter(graph).message(12, value("out", to)))
      .message(8, ProtoWriter().bytes(1, "").number(2, 11))
      .text();
}

// Of 60x40, ten pixels for each of the network's: exact, since it samples the middle.
std::vector<Detection> found_by(const std::string& model, const cv::Mat& numbers) {
  cv::Mat picture;
  cv::resize(numbers, picture, cv::Size(60, 40), 0, 0, cv::INTER_NEAREST);
  const auto task = opened("detect", {{"model", model},
                                      {"kind", std::string("yolo")},
                                      {"width", std::int64_t{6}},
                                      {"height", std::int64_t{4}},
                                      {"swap_rb", false}});
  return objects_in(*task, picture);
}

TEST_F(Detect, AnOnnxModelIsReadInBothFormsOfYolo) {
  const std::vector<Detection> wanted = {{"class 0", 1, 20, 10, 20, 20, "", 0}};
  cv::Mat rows(4, 6, CV_8UC3, cv::Scalar::all(0));
  const int row[6] = {3, 2, 2, 2, 1, 1};  // x, y, width, height, objectness, score
  for (int x = 0; x < 6; ++x) rows.at<cv::Vec3b>(1, x)[1] = static_cast<uchar>(row[x]);
  EXPECT_EQ(found_by(file("v5.onnx", reshaping_onnx({1, 12, 6})), rows), wanted);
  cv::Mat columns(4, 6, CV_8UC3, cv::Scalar::all(0));
  columns.at<cv::Vec3b>(1, 1) = {3, 2, 1};  // x, width, score of class 0
  columns.at<cv::Vec3b>(3, 1) = {2, 2, 0};  // y, height, score of class 1
  EXPECT_EQ(found_by(file("v8.onnx", reshaping_onnx({1, 6, 12})), columns), wanted);
  EXPECT_SAYS(open_error({{"model", file("flat.onnx", reshaping_onnx({1, 72, 1}))},
                          {"kind", std::string("yolo")},
                          {"width", std::int64_t{6}},
                          {"height", std::int64_t{4}}}),
              "those of this network are 1x72x1");
}

TEST_F(Detect, AnOnnxModelThatEndsEarlyIsRefusedWhereverItEnds) {
  const std::string whole = reshaping_onnx({1, 12, 6});
  for (std::size_t length = 1; length < whole.size(); length += 7) {
    const auto name = "cut" + std::to_string(length) + ".onnx";
    EXPECT_SAYS(open_error({{"model", file(name, whole.substr(0, length))},
                            {"kind", std::string("yolo")},
                            {"width", std::int64_t{6}},
                            {"height", std::int64_t{4}}}),
                name);
  }
}

}  // namespace
}  // namespace ride::tasks
