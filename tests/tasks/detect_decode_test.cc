// Outputs of networks that were written down by hand, and the boxes that they mean.
#include "worker/tasks/detect_decode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <set>
#include <tuple>

#include "worker/tasks/detect_labels.h"

namespace ride::tasks {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

cv::Mat tensor(const std::vector<int>& dims, const std::vector<float>& values) {
  cv::Mat made(dims, CV_32F, cv::Scalar(0));
  EXPECT_LE(values.size(), made.total());
  std::copy(values.begin(), values.end(), made.ptr<float>());
  return made;
}

void expect_box(const NetBox& got, int class_id, double score, const std::vector<double>& edges) {
  EXPECT_EQ(got.class_id, class_id);
  EXPECT_NEAR(got.score, score, 1e-6);
  EXPECT_NEAR(got.left, edges[0], 1e-6);
  EXPECT_NEAR(got.top, edges[1], 1e-6);
  EXPECT_NEAR(got.right, edges[2], 1e-6);
  EXPECT_NEAR(got.bottom, edges[3], 1e-6);
}

TEST(DecodeSsd, RowsAreImageClassScoreAndEdges) {
  const auto boxes = decode_ssd(tensor({1, 1, 4, 7}, {0, 2, .9F,  .75F, 0,   1,   .25F,   // a box
                                                      0, 1, .8F,  -.5F, .5F, .5F, 1.5F,   // one that leaves the picture
                                                      0, 3, .29F, .1F,  .1F, .2F, .2F}),  // too low; and a row of zeros
                                .3);
  ASSERT_TRUE(boxes);
  ASSERT_EQ(boxes->size(), 2U);
  expect_box((*boxes)[0], 2, .9, {.75, 0, 1, .25});
  expect_box((*boxes)[1], 1, .8, {-.5, .5, .5, 1.5});
}

TEST(DecodeSsd, WhatIsNoBoxIsLeftOut) {
  const std::vector<std::vector<float>> rows = {
      {0, 1, kNan, .1F, .1F, .2F, .2F},   {0, 1, 2, .1F, .1F, .2F, .2F},      {0, 1, .9F, kNan, .1F, .2F, .2F},
      {0, 1, .9F, .1F, .1F, kInf, .2F},   {0, 1, .9F, .3F, .1F, .2F, .2F},    {0, 1, .9F, .1F, .2F, .2F, .2F},
      {1, 1, .9F, .1F, .1F, .2F, .2F},    {0, -1, .9F, .1F, .1F, .2F, .2F},   {0, 1e30F, .9F, .1F, .1F, .2F, .2F},
      {0, kNan, .9F, .1F, .1F, .2F, .2F}, {kNan, 1, .9F, .1F, .1F, .2F, .2F}, {0, 1, -kInf, .1F, .1F, .2F, .2F}};
  for (const auto& row : rows) EXPECT_TRUE(decode_ssd(tensor({1, 1, 1, 7}, row), .3).value().empty());
  EXPECT_EQ(decode_ssd(tensor({1, 1, 1, 7}, {0, 1, .9F, .1F, .1F, .2F, .2F}), .3).value().size(), 1U) << "the control";
}

// One object of class 1 with score 0.72 at (48,24) of size 32x16 in an input of 64x48, and one below the threshold.
TEST(DecodeYolo, ThreeFormsOfTheSameObjectsGiveTheSameBox) {
  const cv::Size input(64, 48);
  const cv::Mat region = tensor({2, 7}, {.75F, .5F, .5F, 1 / 3.F, .8F, .1F, .72F, .1F, .1F, .1F, .1F, .9F, .2F, .2F});
  const cv::Mat rows = tensor({1, 2, 7}, {48, 24, 32, 16, .8F, .125F, .9F, 6, 5, 6, 5, .9F, .2F, .2F});
  cv::Mat columns = tensor({1, 6, 8}, {});
  const std::vector<float> object = {48, 24, 32, 16, .1F, .72F};
  for (int i = 0; i < 6; ++i) columns.ptr<float>()[i * 8 + 5] = object[static_cast<std::size_t>(i)];
  const std::vector<double> edges = {.5, 1 / 3., 1, 2 / 3.};
  const auto expect_one = [&](const std::vector<cv::Mat>& outputs, YoloForm form) {
    EXPECT_EQ(yolo_classes(outputs, form).value(), 2);
    const auto boxes = decode_yolo(outputs, form, input, .3).value();
    ASSERT_EQ(boxes.size(), 1U);
    expect_box(boxes[0], 1, .72, edges);
  };
  expect_one({region}, YoloForm::region);
  expect_one({rows}, YoloForm::rows);
  expect_one({columns}, YoloForm::columns);
  EXPECT_EQ(decode_yolo({region, region}, YoloForm::region, input, .3).value().size(), 2U) << "a scale is left out";
}

TEST(DecodeYolo, AnOnnxWithFewerRowsThanColumnsHasItsBoxesInColumns) {
  EXPECT_EQ(yolo_form_of_onnx(tensor({1, 84, 8400}, {})), YoloForm::columns);
  EXPECT_EQ(yolo_form_of_onnx(tensor({1, 25200, 85}, {})), YoloForm::rows);
}

TEST(DecodeYolo, WhatIsNoBoxIsLeftOut) {
  const auto found = [](std::vector<float> row) {
    return decode_yolo({tensor({1, 6}, row)}, YoloForm::region, {64, 64}, .3).value().size();
  };
  EXPECT_EQ(found({.5F, .5F, .1F, .1F, 1, .9F}), 1U) << "the control";
  for (const int broken : {0, 1, 2, 3, 5}) {
    for (const float value : {kNan, kInf, -kInf}) {
      std::vector<float> row = {.5F, .5F, .1F, .1F, 1, .9F};
      row[static_cast<std::size_t>(broken)] = value;
      EXPECT_EQ(found(row), 0U) << broken << " " << value;
    }
  }
  EXPECT_EQ(found({.5F, .5F, -.1F, .1F, 1, .9F}), 0U);
}

// Eight by eight cells of four pixels: input of 32x32.
TEST(DecodeCenternet, APeakIsACellThatNoNeighbourExceedsAndItsSidesAreInputPixels) {
  cv::Mat heat = tensor({1, 2, 8, 8}, {}), sides = tensor({1, 4, 8, 8}, {});
  const auto cell = [](cv::Mat& map, int c, int x, int y) -> float& { return map.ptr<float>()[(c * 8 + y) * 8 + x]; };
  cell(heat, 1, 3, 2) = .8F;
  cell(heat, 1, 4, 3) = .7F;  // beside the peak
  cell(heat, 0, 4, 3) = .6F;  // of another class: a peak of its own
  cell(heat, 0, 0, 7) = .5F;  // in a corner
  cell(heat, 0, 7, 0) = .2F;  // too low
  const std::vector<float> around = {4, 2, 6, 10};
  for (int side = 0; side < 4; ++side) {
    cell(sides, side, 3, 2) = around[static_cast<std::size_t>(side)];
    cell(sides, side, 4, 3) = 1;
    cell(sides, side, 0, 7) = 2;
  }
  const auto boxes = without_overlaps(decode_centernet(heat, sides, {32, 32}, .3).value(), 1);
  ASSERT_EQ(boxes.size(), 3U);
  expect_box(boxes[0], 1, .8, {8 / 32., 6 / 32., 18 / 32., 18 / 32.});
  expect_box(boxes[1], 0, .6, {15 / 32., 11 / 32., 17 / 32., 13 / 32.});
  expect_box(boxes[2], 0, .5, {-2 / 32., 26 / 32., 2 / 32., 30 / 32.});
}

// The peaks of a random map by OpenCV's dilation, at places of which each neighbour is known.
TEST(DecodeCenternet, FindsThePeaksThatADilationFinds) {
  cv::RNG rng(7);
  cv::Mat heat = tensor({1, 3, 20, 31}, {}), sides(std::vector<int>{1, 4, 20, 31}, CV_32F, cv::Scalar(9));
  std::set<std::tuple<int, int, int>> wanted, got;
  for (int c = 0; c < 3; ++c) {
    cv::Mat map(20, 31, CV_32F, heat.ptr<float>() + c * 20 * 31), widest;
    rng.fill(map, cv::RNG::UNIFORM, 0, 1);
    cv::dilate(map, widest, cv::Mat::ones(3, 3, CV_8U));
    for (int y = 0; y < 20; ++y)
      for (int x = 0; x < 31; ++x)
        if (map.at<float>(y, x) == widest.at<float>(y, x) && map.at<float>(y, x) >= .3F) wanted.insert({c, x, y});
  }
  for (const auto& box : decode_centernet(heat, sides, {124, 80}, .3).value())
    got.insert({box.class_id, cvRound((box.left + box.right) / 2 * 31), cvRound((box.top + box.bottom) / 2 * 20)});
  EXPECT_GT(wanted.size(), 100U);
  EXPECT_EQ(got, wanted);
}

TEST(DecodeCenternet, WhatIsNoBoxIsLeftOut) {
  for (const float value : {kNan, kInf, -100.F}) {
    const cv::Mat heat(std::vector<int>{1, 1, 2, 2}, CV_32F, cv::Scalar(.9));
    const cv::Mat sides(std::vector<int>{1, 4, 2, 2}, CV_32F, cv::Scalar(value));
    EXPECT_TRUE(decode_centernet(heat, sides, {8, 8}, .3).value().empty()) << value;
    const cv::Mat good(std::vector<int>{1, 4, 2, 2}, CV_32F, cv::Scalar(1));
    EXPECT_EQ(decode_centernet(heat, good, {8, 8}, .3).value().size(), 4U) << "the control";
    const cv::Mat strange(std::vector<int>{1, 1, 2, 2}, CV_32F, cv::Scalar(value));
    EXPECT_TRUE(decode_centernet(strange, good, {8, 8}, .3).value().empty()) << value;
  }
}

TEST(Decode, ANetworkThatFindsSomethingEverywhereCostsNoMore) {
  const cv::Mat heat(std::vector<int>{1, 80, 128, 128}, CV_32F, cv::Scalar(.9));
  const cv::Mat sides(std::vector<int>{1, 4, 128, 128}, CV_32F, cv::Scalar(.5));
  const auto boxes = decode_centernet(heat, sides, {512, 512}, .3).value();
  EXPECT_EQ(boxes.size(), kMaxCandidates);
  EXPECT_EQ(without_overlaps(boxes, 1).size(), kMaxDetections);
  cv::Mat rows(std::vector<int>{1, 1, 5000, 7}, CV_32F, cv::Scalar(0));
  for (int i = 0; i < 5000; ++i) {
    const float score = .4F + static_cast<float>((i * 37) % 5000) / 10000;
    const std::vector<float> row = {0, 1, score, 0, 0, 1, 1};
    std::copy(row.begin(), row.end(), rows.ptr<float>() + i * 7);
  }
  const auto best = decode_ssd(rows, .3).value();
  ASSERT_EQ(best.size(), kMaxCandidates);
  for (const auto& box : best) EXPECT_GT(box.score, .79) << "a better one was dropped";
}

TEST(Decode, AnOutputOfAnotherShapeIsNamedWithTheOneThatIsRead) {
  const cv::Mat heat = tensor({1, 80, 4, 4}, {}), sides = tensor({1, 4, 4, 4}, {}), rows = tensor({1, 9, 85}, {});
  const cv::Mat doubles(std::vector<int>{1, 1, 1, 7}, CV_64F, cv::Scalar(0));
  EXPECT_NE(decode_ssd(heat, .3).error().message.find("1x1xNx7, but those of this network are 1x80x4x4"),
            std::string::npos);
  EXPECT_FALSE(decode_ssd(cv::Mat(), .3));
  EXPECT_FALSE(decode_ssd(doubles, .3));
  EXPECT_FALSE(decode_centernet(rows, sides, {8, 8}, .3));
  EXPECT_FALSE(decode_centernet(sides, heat, {8, 8}, .3)) << "the wrong way round";
  EXPECT_FALSE(decode_centernet(heat, tensor({1, 4, 4, 5}, {}), {8, 8}, .3));
  EXPECT_FALSE(decode_yolo({heat}, YoloForm::rows, {8, 8}, .3));
  EXPECT_FALSE(decode_yolo({}, YoloForm::region, {8, 8}, .3));
  EXPECT_FALSE(decode_yolo({tensor({3, 5}, {})}, YoloForm::region, {8, 8}, .3)) << "no class";
  EXPECT_FALSE(decode_yolo({tensor({3, 6}, {}), tensor({3, 7}, {})}, YoloForm::region, {8, 8}, .3));
}

TEST(WithoutOverlaps, TheBetterOfTwoStaysWithinAClassAboveTheLimit) {
  const NetBox best{0, .9, 0, 0, 1, 1}, third{0, .8, 0, 0, 1, .5}, other{1, .7, 0, 0, 1, .5}, apart{0, .6, 2, 0, 3, 1};
  const std::vector<NetBox> all = {apart, third, other, best};
  EXPECT_EQ(without_overlaps(all, .5), (std::vector{best, third, other, apart})) << "0.5 is not above 0.5";
  EXPECT_EQ(without_overlaps(all, .49), (std::vector{best, other, apart}));
  EXPECT_EQ(without_overlaps(all, 0), (std::vector{best, other, apart}));
  EXPECT_EQ(without_overlaps({best, best}, 1).size(), 2U);
  EXPECT_TRUE(without_overlaps({}, .5).empty());
}

TEST(BoxInPicture, IsInWholePixelsAndCutAtTheBorder) {
  const cv::Size picture(200, 100);
  EXPECT_EQ(box_in_picture({0, 1, .25, .5, .5, .75}, picture), cv::Rect(50, 50, 50, 25));
  EXPECT_EQ(box_in_picture({0, 1, -3, -1, .5, 7}, picture), cv::Rect(0, 0, 100, 100));
  EXPECT_EQ(box_in_picture({0, 1, -1e30, -1e30, 1e30, 1e30}, picture), cv::Rect(0, 0, 200, 100));
  EXPECT_EQ(box_in_picture({0, 1, 1.1, .2, 1.5, .4}, picture), std::nullopt) << "beside it";
  EXPECT_EQ(box_in_picture({0, 1, .5, .5, .501, .6}, picture), std::nullopt) << "less than a pixel";
  EXPECT_EQ(box_in_picture({0, 1, 0, 0, 1, 1}, {1, 1}), cv::Rect(0, 0, 1, 1));
  EXPECT_EQ(box_in_picture({0, 1, 0, 0, 1, 1}, {25720, 24160}), cv::Rect(0, 0, 25720, 24160));
}

TEST(Labels, TheBuiltInListsHaveTheirNumbersAndTheirOrder) {
  const auto coco80 = read_labels("coco80").value(), coco90 = read_labels("coco90").value(),
             voc20 = read_labels("voc20").value();
  ASSERT_EQ(coco80.size(), 80U);
  ASSERT_EQ(coco90.size(), 90U);
  ASSERT_EQ(voc20.size(), 20U);
  // COCO's own numbers begin at 1.
  for (const auto& [number, label] : std::vector<std::pair<int, std::string>>{
           {1, "person"}, {3, "car"}, {13, "stop sign"}, {44, "bottle"}, {62, "chair"}, {72, "tv"}, {90, "toothbrush"}})
    EXPECT_EQ(coco90[static_cast<std::size_t>(number - 1)], label);
  for (const auto& [index, label] : std::vector<std::pair<int, std::string>>{
           {0, "person"}, {2, "car"}, {11, "stop sign"}, {39, "bottle"}, {56, "chair"}, {62, "tv"}, {79, "toothbrush"}})
    EXPECT_EQ(coco80[static_cast<std::size_t>(index)], label);
  EXPECT_EQ(voc20[14], "person");
  EXPECT_EQ(voc20[19], "tvmonitor");
}

}  // namespace
}  // namespace ride::tasks
