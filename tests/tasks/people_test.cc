#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "common/json.h"
#include "tests/tasks/found_objects.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {
namespace {

using nlohmann::json;

// A dark figure, about `height` pixels tall, on a light ground: enough for a detector of outlines.
void stand(cv::Mat& picture, cv::Point feet, int height) {
  const double u = height / 100.0;
  const auto at = [&](double x, double y) { return feet + cv::Point(cvRound(x * u), cvRound(-y * u)); };
  const auto line = [&](cv::Point a, cv::Point b, double width) {
    cv::line(picture, a, b, cv::Scalar(40, 40, 40), std::max(1, cvRound(width * u)), cv::LINE_8);
  };
  cv::circle(picture, at(0, 92), cvRound(7.5 * u), cv::Scalar(40, 40, 40), cv::FILLED);
  line(at(0, 80), at(0, 52), 16);
  line(at(-8, 78), at(-13, 48), 7);
  line(at(8, 78), at(13, 48), 7);
  line(at(-4, 50), at(-6, 2), 7);
  line(at(4, 50), at(6, 2), 7);
}

cv::Mat street() {
  cv::Mat picture(360, 480, CV_8UC3, cv::Scalar(200, 205, 210));
  stand(picture, {120, 300}, 150);
  stand(picture, {340, 320}, 190);
  cv::GaussianBlur(picture, picture, cv::Size(5, 5), 0);
  return picture;
}

std::vector<Detection> found_in(const cv::Mat& picture, const ParamValues& params = {}) {
  return found_by("detect_people", picture, params);
}

// Whether someone of that height was found around that place.
bool stands_at(const std::vector<Detection>& people, cv::Point2d feet, double height) {
  return std::any_of(people.begin(), people.end(), [&](const Detection& d) {
    return rect_of(d).contains(feet - cv::Point2d(0, height / 2)) && d.height > height && d.height < 2 * height;
  });
}

TEST(DetectPeople, FindsTheFiguresWhereTheyStand) {
  const auto people = found_in(street());
  ASSERT_GE(people.size(), 2u);
  EXPECT_TRUE(stands_at(people, {120, 300}, 150));
  EXPECT_TRUE(stands_at(people, {340, 320}, 190));
  for (std::size_t i = 0; i < people.size(); ++i) {
    EXPECT_EQ(people[i].label, "person");
    EXPECT_EQ(rect_of(people[i]) & cv::Rect2d(0, 0, 480, 360), rect_of(people[i])) << "a box leaves the picture";
    if (i > 0) {
      EXPECT_GE(people[i - 1].score, people[i].score);
    }
  }
}

TEST(DetectPeople, BoxesStandInTheFullPictureWhateverTheScale) {
  for (const double scale : {0.9, 1.5}) {
    const auto people = found_in(street(), {{"scale", scale}});
    EXPECT_TRUE(stands_at(people, {340, 320}, 190)) << scale;
  }
}

TEST(DetectPeople, LooksAtOtherDepthsAndChannelsAlike) {
  const auto wanted = found_in(street());
  cv::Mat deep, alpha, real, gray;
  street().convertTo(deep, CV_16U, 257);
  EXPECT_EQ(found_in(deep), wanted);
  cv::cvtColor(street(), alpha, cv::COLOR_BGR2BGRA);
  EXPECT_EQ(found_in(alpha), wanted);
  street().convertTo(real, CV_32F, 1 / 255.0);
  EXPECT_EQ(found_in(real), wanted);
  cv::cvtColor(street(), gray, cv::COLOR_BGR2GRAY);
  EXPECT_TRUE(stands_at(found_in(gray), {340, 320}, 190));
}

TEST(DetectPeople, FindsNobodyWhereNobodyIs) {
  for (const cv::Size size :
       {cv::Size(480, 360), cv::Size(64, 128), cv::Size(63, 128), cv::Size(1, 1), cv::Size(1000, 2)}) {
    EXPECT_TRUE(found_in(cv::Mat(size, CV_8UC3, cv::Scalar(90, 90, 90))).empty()) << size;
    EXPECT_TRUE(found_in(cv::Mat(size, CV_8UC1, cv::Scalar(90)), {{"scale", 0.1}}).empty()) << size;
  }
}

TEST(DetectPeople, SaysTheSameEachTime) { EXPECT_EQ(found_in(street()), found_in(street())); }

TEST(Detections, GoThroughJsonUnchanged) {
  const std::vector<Detection> people = {{"person", 1.25, 10, 20, 30, 40}, {"a \"b\"\n", -0.5, 0.5, 0, 1, 2}};
  EXPECT_EQ(detections_from_json(detections_to_json(people)).value(), people);
  EXPECT_EQ(detections_to_json({people[0]}), R"([{"box":[10,20,30,40],"label":"person","score":1.25}])");
  EXPECT_EQ(detections_to_json({}), "[]");
  EXPECT_NO_THROW(detections_to_json({{"\xff", 0, 0, 0, 1, 1}}));
}

TEST(Detections, TracksGoThroughJsonToo) {
  const std::vector<Detection> people = {{.label = "person", .width = 1, .height = 1, .track = "1042-3"}};
  EXPECT_EQ(detections_from_json(detections_to_json(people)).value(), people);
  EXPECT_EQ(detections_to_json(people), R"([{"box":[0,0,1,1],"label":"person","score":0.0,"track":"1042-3"}])");
  EXPECT_EQ(detections_from_json(R"([{"box":[0,0,1,1],"track":7}])").value().at(0).track, "7") << "others number them";
  for (const char* text : {"\"\"", "null", "1.5", "[]", "true"})
    EXPECT_FALSE(detections_from_json(std::string(R"([{"box":[0,0,1,1],"track":)") + text + "}]")) << text;
  const std::string longest(64, 't');
  EXPECT_TRUE(detections_from_json(R"([{"box":[0,0,1,1],"track":")" + longest + "\"}]"));
  EXPECT_FALSE(detections_from_json(R"([{"box":[0,0,1,1],"track":"x)" + longest + "\"}]"));
}

TEST(Detections, WhatIsMalformedIsNamed) {
  for (const char* text : {"", "x", "{}", "3", "[1]", "[{}]", R"([{"box":[1,2,3]}])", R"([{"box":[1,2,3,"4"]}])",
                           R"([{"box":[1,2,-3,4]}])", R"([{"box":[1,2,3,1e999]}])", R"([{"box":[1,2,3,4],"label":7}])",
                           R"([{"box":[1,2,3,4],"score":"high"}])", "[{\"box\":[1,2,3,4]}"}) {
    EXPECT_FALSE(detections_from_json(text)) << text;
  }
  EXPECT_NE(detections_from_json(R"([{"box":[1,2,3,4]},{}])").error().message.find("entry 1"), std::string::npos);
}

Frame with_detections(const cv::Mat& image, const std::string& text) {
  Frame frame = with_bytes(frame_of(image, 7), {1, 2, 3}, "image/jpeg");
  frame.attributes["detections"] = text;
  return frame;
}

cv::Mat drawn(const cv::Mat& image, const std::string& text, ParamValues params = {}) {
  KeepingEmitter out;
  EXPECT_TRUE(opened("draw_detections", params)->process(with_detections(image, text), out));
  return out.only().image.clone();
}

TEST(DrawDetections, DrawsTheBoxInTheWantedColorAndThicknessAndNothingElse) {
  const cv::Mat black(60, 80, CV_8UC3, cv::Scalar::all(0));
  const cv::Mat out = drawn(black, R"([{"box":[20,10,30,40]}])",
                            {{"thickness", std::int64_t{1}}, {"color", std::string("#ff8001")}, {"label", false}});
  cv::Mat wanted = black.clone();
  wanted(cv::Rect(20, 10, 30, 40)) = cv::Scalar(1, 128, 255);
  wanted(cv::Rect(21, 11, 28, 38)) = cv::Scalar::all(0);
  EXPECT_EQ(largest_difference(out, wanted), 0);
}

TEST(DrawDetections, WritesLabelAndScoreAboveTheBoxOrInsideAtTheTop) {
  const cv::Mat black(100, 160, CV_8UC3, cv::Scalar::all(0));
  const auto green_between = [](const cv::Mat& picture, int top, int bottom) {
    cv::Mat green;
    cv::inRange(picture.rowRange(top, bottom), cv::Scalar(0, 255, 0), cv::Scalar(0, 255, 0), green);
    return cv::countNonZero(green);
  };
  const cv::Mat low = drawn(black, R"([{"label":"person","score":0.5,"box":[5,50,60,40]}])");
  EXPECT_GT(green_between(low, 30, 48), 500) << "the label's ground";
  EXPECT_EQ(green_between(low, 0, 30), 0);
  const cv::Mat other = drawn(black, R"([{"label":"person","score":0.7,"box":[5,50,60,40]}])");
  EXPECT_GT(largest_difference(low, other), 0) << "the score is not written";
  const cv::Mat followed = drawn(black, R"([{"label":"person","score":0.5,"box":[5,50,60,40],"track":"7-0"}])");
  EXPECT_GT(green_between(followed, 30, 48), green_between(low, 30, 48)) << "the track is written, too";
  const cv::Mat high = drawn(black, R"([{"label":"person","score":0.5,"box":[5,3,60,90]}])");
  EXPECT_GT(green_between(high, 6, 20), 500);
  const cv::Mat right = drawn(black, R"([{"label":"person","score":0.5,"box":[150,50,9,40]}])");
  EXPECT_GT(green_between(right, 30, 48), 500) << "the label is cut off at the side";
  const cv::Mat silent = drawn(black, R"([{"label":"person","score":0.5,"box":[5,50,60,40]}])", {{"label", false}});
  EXPECT_EQ(green_between(silent, 30, 48), 0);
}

TEST(DrawDetections, KeepsDepthAndChannelsAndTheirValueRange) {
  const std::string text = R"([{"box":[2,2,5,5]}])";
  const ParamValues white = {{"color", std::string("#ffffff")}, {"thickness", std::int64_t{1}}, {"label", false}};
  for (const int channels : {1, 3, 4}) {
    for (const auto& [depth, top] : {std::pair{CV_8U, 255.0}, {CV_16U, 65535.0}, {CV_32F, 1.0}}) {
      const cv::Mat out = drawn(cv::Mat(10, 10, CV_MAKETYPE(depth, channels), cv::Scalar::all(0)), text, white);
      ASSERT_EQ(out.type(), CV_MAKETYPE(depth, channels));
      EXPECT_EQ(count_of(out, top), 16 * channels) << depth << " " << channels;
    }
  }
}

TEST(DrawDetections, PassesAFrameWithNothingToDrawOnAsItCame) {
  const cv::Mat image = noise(10, 10, CV_8UC3);
  for (const char* text : {"[]", ""}) {
    KeepingEmitter out;
    Frame frame = with_detections(image, text);
    if (*text == '\0') frame.attributes.erase("detections");
    ASSERT_TRUE(opened("draw_detections")->process(frame, out));
    EXPECT_EQ(out.only().image.data, frame.image.data);
    EXPECT_TRUE(out.only().encoded);
  }
}

TEST(DrawDetections, StandsBoxesOutsideThePictureAndLongLabels) {
  const std::string label(100000, 'x');
  for (const std::string box :
       {"[-50,-50,20,20]", "[5,5,1e300,1e300]", "[-1e18,0,2e18,3]", "[500,500,10,10]", "[0,0,0,0]"}) {
    const cv::Mat out = drawn(noise(10, 10, CV_8UC3), R"([{"label":")" + label + R"(","box":)" + box + "}]");
    EXPECT_EQ(out.size(), cv::Size(10, 10));
  }
}

TEST(DrawDetections, AMalformedAttributeIsAnErrorWithItsPlace) {
  const std::string error = error_of("draw_detections", {}, with_detections(noise(4, 4, CV_8UC3), "{"));
  EXPECT_NE(error.find("stage 'album', frame gate/3/7"), std::string::npos) << error;
  EXPECT_NE(error.find("not a JSON list"), std::string::npos) << error;
}

}  // namespace
}  // namespace ride::tasks
