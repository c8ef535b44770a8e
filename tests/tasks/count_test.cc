// count on tracks that move as the test says.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "common/json.h"
#include "tests/tasks/moving_boxes.h"
#include "worker/tasks/crossing.h"

namespace ride::tasks {
namespace {

using nlohmann::json;

// A track whose feet stand here, in a picture of 640 x 480.
Detection feet_at(double x, double y, const std::string& track, const std::string& label = "person") {
  Detection found = box_at(x, y - 40, 40, 80, label);
  found.track = track;
  return found;
}

json counts_of(Task& task, const Frame& frame, const std::string& attribute = "counts") {
  KeepingEmitter out;
  const auto done = task.process(frame, out);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(out.only().attributes.at("detections"), frame.attributes.at("detections"));
  return json::parse(out.only().attributes.at(attribute));
}

struct Sum {
  int in = 0, out = 0;
  bool operator==(const Sum&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Sum& sum) { return out << sum.in << " in, " << sum.out << " out"; }

// One track that is at these places (in pixels), frame after frame.
Sum sum_of(const std::vector<std::pair<double, double>>& places, ParamValues params = {}) {
  params.try_emplace("line", std::string("0,0.5,1,0.5"));  // at 240; 'in' is downwards
  auto task = opened("count", params);
  Sum sum;
  int number = 0;
  for (const auto& [x, y] : places) {
    const json counts = counts_of(*task, frame_with({feet_at(x, y, "0-0")}, number++));
    sum.in += counts.at("in").get<int>();
    sum.out += counts.at("out").get<int>();
    EXPECT_EQ(counts.at("total").at("in"), sum.in);
    EXPECT_EQ(counts.at("total").at("out"), sum.out);
    EXPECT_EQ(counts.at("total").at("since"), 0);
    EXPECT_EQ(counts.at("crossed").size(), counts.at("in").get<std::size_t>() + counts.at("out").get<std::size_t>());
  }
  return sum;
}

TEST(Count, CountsBothDirectionsOnce) {
  EXPECT_EQ(sum_of({{300, 200}, {300, 220}, {300, 260}, {300, 300}}), (Sum{1, 0}));
  EXPECT_EQ(sum_of({{300, 300}, {300, 260}, {300, 220}, {300, 200}}), (Sum{0, 1}));
  EXPECT_EQ(sum_of({{300, 200}, {300, 300}, {300, 200}, {300, 300}}), (Sum{2, 1}));
  // The other way round, and a line from the top to the bottom: its left side is the picture's right one.
  EXPECT_EQ(sum_of({{300, 200}, {300, 300}}, {{"line", std::string("1,0.5,0,0.5")}}), (Sum{0, 1}));
  EXPECT_EQ(sum_of({{400, 100}, {200, 100}}, {{"line", std::string("0.5,0,0.5,1")}}), (Sum{1, 0}));
  EXPECT_EQ(sum_of({{400, 100}, {200, 100}}, {{"line", std::string("0.5,1,0.5,0")}}), (Sum{0, 1}));
}

TEST(Count, SaysWhoCrossedAndWhere) {
  auto task = opened("count", {{"line", std::string("0,0.5,1,0.5")}});
  counts_of(*task, frame_with({feet_at(100, 200, "0-0"), feet_at(300, 300, "0-1"), feet_at(500, 200, "0-2")}, 41));
  const json counts =
      counts_of(*task, frame_with({feet_at(100, 300, "0-0"), feet_at(300, 200, "0-1"), feet_at(500, 210, "0-2")}, 42));
  EXPECT_EQ(counts, json::parse(R"({"in":1,"out":1,"total":{"in":1,"out":1,"since":41},
      "crossed":[{"track":"0-0","direction":"in"},{"track":"0-1","direction":"out"}]})"));
}

// 0.01 of 480 pixels: nearer than 4.8 to the line is on it.
TEST(Count, TouchingTheLineOrWalkingAlongItIsNotCrossing) {
  EXPECT_EQ(sum_of({{300, 200}, {300, 240}, {300, 200}}), (Sum{0, 0})) << "touched it and turned";
  EXPECT_EQ(sum_of({{300, 200}, {300, 244}, {300, 200}}), (Sum{0, 0})) << "a little beyond";
  EXPECT_EQ(sum_of({{300, 200}, {300, 240}, {320, 240}, {340, 240}, {340, 280}}), (Sum{1, 0})) << "along it, then over";
  EXPECT_EQ(sum_of({{300, 240}, {300, 280}}), (Sum{0, 0})) << "it came to be seen on the line";
  std::vector<std::pair<double, double>> trembling = {{100, 200}};
  for (int i = 0; i < 40; ++i) trembling.emplace_back(100 + 10 * i, 240 + (i % 2 == 0 ? 4 : -4));
  EXPECT_EQ(sum_of(trembling), (Sum{0, 0}));
  const std::vector<std::pair<double, double>> shaking = {{100, 239}, {110, 241}, {120, 239}, {130, 241}};
  EXPECT_EQ(sum_of(shaking, {{"tolerance", 0.0}}), (Sum{2, 1})) << "without a tolerance each is counted";
}

TEST(Count, TheLineHasEnds) {
  const ParamValues middle = {{"line", std::string("0.25,0.5,0.75,0.5")}};  // from 160 to 480
  EXPECT_EQ(sum_of({{100, 200}, {100, 300}}, middle), (Sum{0, 0}));
  EXPECT_EQ(sum_of({{500, 200}, {500, 300}}, middle), (Sum{0, 0}));
  EXPECT_EQ(sum_of({{160, 200}, {160, 280}}, middle), (Sum{1, 0})) << "over its end";
  EXPECT_EQ(sum_of({{100, 200}, {240, 280}}, middle), (Sum{1, 0})) << "aslant, over 170";
  EXPECT_EQ(sum_of({{100, 200}, {210, 280}}, middle), (Sum{0, 0})) << "aslant, past it at 155";
  EXPECT_EQ(sum_of({{100, 200}, {100, 300}, {300, 300}, {300, 200}}, middle), (Sum{0, 1})) << "around it, then back";
}

TEST(Count, AnObjectIsWhereItsFeetOrItsMiddleAre) {
  EXPECT_EQ(sum_of({{300, 230}, {300, 270}}), (Sum{1, 0}));
  EXPECT_EQ(sum_of({{300, 230}, {300, 270}}, {{"anchor", std::string("center")}}), (Sum{0, 0}));
  EXPECT_EQ(sum_of({{300, 270}, {300, 290}}, {{"anchor", std::string("center")}}), (Sum{1, 0}));
}

TEST(Count, OnlyTracksWithAListedLabelCount) {
  auto task = opened("count", {{"line", std::string("0,0.5,1,0.5")},
                               {"zone", std::string("0,0 1,0 1,1 0,1")},
                               {"labels", std::string("car, bus")}});
  const auto at = [&](double y, int number) {
    return counts_of(*task, frame_with({feet_at(100, y, "0-0", "car"), feet_at(200, y, "0-1", "person"),
                                        feet_at(300, y, "", "car"), feet_at(400, y, "0-3", "bus")},
                                       number));
  };
  EXPECT_EQ(at(200, 0).at("inside"), 2);
  EXPECT_EQ(at(300, 1).at("in"), 2);
}

TEST(Count, TracksAreCountedInAZoneWithItsEdges) {
  // An L: the upper left quarter is outside.
  auto task = opened("count", {{"zone", std::string("0.5,0 1,0 1,1 0,1 0,0.5 0.5,0.5")}});
  const auto inside = [&](double x, double y) {
    const json counts = counts_of(*task, frame_with({feet_at(x * 640, y * 480, "0-0")}, 0));
    EXPECT_FALSE(counts.contains("in")) << "there is no line";
    return counts.at("inside").get<int>();
  };
  EXPECT_EQ(inside(0.25, 0.25), 0);
  EXPECT_EQ(inside(0.75, 0.25), 1);
  EXPECT_EQ(inside(0.25, 0.75), 1);
  EXPECT_EQ(inside(0.75, 0.75), 1);
  EXPECT_EQ(inside(0.25, 0.5), 1) << "on an edge";
  EXPECT_EQ(inside(0.5, 0.25), 1) << "on an edge";
  EXPECT_EQ(inside(0.5, 0.5), 1) << "on a corner";
  EXPECT_EQ(inside(1.0, 1.0), 1);
  EXPECT_EQ(inside(1.01, 0.75), 0) << "outside of the picture";
}

// Against the definition by angles: the sum of the angles under which the edges are seen is a full turn inside.
TEST(Count, InsideIsWhatTheWindingNumberSays) {
  const std::vector<Spot> star = {{0.5, 0.05}, {0.6, 0.4},  {0.95, 0.4}, {0.65, 0.6}, {0.8, 0.95},
                                  {0.5, 0.7},  {0.2, 0.95}, {0.35, 0.6}, {0.05, 0.4}, {0.4, 0.4}};
  int inside = 0;
  for (double y = 0.013; y < 1; y += 0.027) {
    for (double x = 0.011; x < 1; x += 0.023) {
      double turn = 0;
      for (std::size_t i = 0; i < star.size(); ++i) {
        const Spot &a = star[i], &b = star[(i + 1) % star.size()];
        turn += std::remainder(std::atan2(b.y - y, b.x - x) - std::atan2(a.y - y, a.x - x), 2 * M_PI);
      }
      const bool wanted = std::abs(turn) > M_PI;
      EXPECT_EQ(lies_in(star, {x, y}), wanted) << x << ", " << y;
      inside += wanted;
    }
  }
  EXPECT_GT(inside, 300);
}

TEST(Count, AGapIsBridgedForThirtyFrames) {
  for (const int gap : {1, 29, 30, 31}) {
    auto task = opened("count", {{"line", std::string("0,0.5,1,0.5")}});
    int number = 0;
    counts_of(*task, frame_with({feet_at(300, 200, "0-0")}, number++));
    for (int i = 1; i < gap; ++i) counts_of(*task, frame_with({}, number++));
    EXPECT_EQ(counts_of(*task, frame_with({feet_at(300, 300, "0-0")}, number++)).at("in"), gap <= 30 ? 1 : 0) << gap;
  }
}

TEST(Count, SourcesSessionsAndSizesAreApart) {
  auto task = opened("count", {{"line", std::string("0,0.5,1,0.5")}});
  const auto at = [&](double y, const std::string& source, int session, int number) {
    Frame frame = frame_with({feet_at(300, y, "0-0")}, number, source);
    frame.id.session = SessionId{session};
    return counts_of(*task, frame);
  };
  EXPECT_EQ(at(200, "gate", 3, 5).at("in"), 0);
  EXPECT_EQ(at(300, "door", 3, 5).at("in"), 0);
  EXPECT_EQ(at(300, "gate", 3, 6).at("in"), 1);
  EXPECT_EQ(at(200, "gate", 4, 0).at("out"), 0) << "another session, another track of that name";
  EXPECT_EQ(at(200, "gate", 4, 1).at("total"), json::parse(R"({"in":0,"out":0,"since":0})"));
  // The same place in a picture of twice the size.
  Detection twice = feet_at(600, 400, "0-0");
  Frame larger = frame_of(cv::Mat(960, 1280, CV_8UC1, cv::Scalar(90)), 2, "gate");
  larger.id.session = SessionId{4};
  larger.attributes["detections"] = detections_to_json({twice});
  EXPECT_EQ(counts_of(*task, larger).at("in"), 0);
}

// People walk up and down; a new owner that was fed the last 30 frames counts the same in each frame.
TEST(Count, SumsOverFramesAreExactWhoeverCountedThem) {
  const auto* decl = builtin_tasks().catalog().find("count");
  ASSERT_NE(decl, nullptr);
  ASSERT_TRUE(decl->needs_order);
  const ParamValues params = {{"line", std::string("0.1,0.45,0.9,0.55")}, {"zone", std::string("0,0 1,0 1,0.5")}};
  const auto frame_at = [](int frame) {
    std::vector<Detection> found;
    for (int i = 0; i < 12; ++i) {
      if ((frame + 5 * i) % 40 < 25)  // hidden for 15 frames in a row
        found.push_back(
            feet_at(40 + 50 * i, 240 + (60 + 10 * i) * std::sin(0.05 * (i + 3) * frame + i), "0-" + std::to_string(i)));
    }
    return frame_with(found, frame);
  };
  std::vector<json> undisturbed;
  auto first = opened("count", params);
  int crossings = 0;
  for (int frame = 0; frame < 300; ++frame) {
    undisturbed.push_back(counts_of(*first, frame_at(frame)));
    crossings += undisturbed.back().at("in").get<int>() + undisturbed.back().at("out").get<int>();
  }
  ASSERT_GT(crossings, 50);
  for (int loss = 40; loss < 240; loss += 47) {
    auto next = opened("count", params);
    for (int frame = loss - decl->warmup_frames; frame < loss; ++frame) counts_of(*next, frame_at(frame));
    for (int frame = loss; frame < loss + 60; ++frame) {
      json counts = counts_of(*next, frame_at(frame)), wanted = undisturbed[static_cast<std::size_t>(frame)];
      EXPECT_EQ(counts.at("total").at("since"), loss - decl->warmup_frames);
      counts.erase("total");
      wanted.erase("total");
      ASSERT_EQ(counts, wanted) << "frame " << frame << ", loss at " << loss;
    }
  }
}

TEST(Count, DrawsOnACopyAndOtherwiseLeavesThePictureAsItIs) {
  const ParamValues both = {{"line", std::string("0,0.5,1,0.5")}, {"zone", std::string("0.1,0.7 0.9,0.7 0.5,0.9")}};
  const Frame frame = with_bytes(frame_with({feet_at(300, 200, "0-0")}, 0), {1, 2, 3}, "image/jpeg");
  KeepingEmitter as_it_is, drawn;
  ASSERT_TRUE(opened("count", both)->process(frame, as_it_is));
  EXPECT_EQ(as_it_is.only().image.data, frame.image.data);
  EXPECT_TRUE(as_it_is.only().encoded);
  ParamValues draw = both;
  draw["draw"] = true;
  draw["color"] = std::string("#ffffff");
  ASSERT_TRUE(opened("count", draw)->process(frame, drawn));
  const cv::Mat picture = drawn.only().image;
  EXPECT_FALSE(drawn.only().encoded);
  EXPECT_EQ(picture.at<uchar>(240, 30), 255) << "the line";
  EXPECT_EQ(picture.at<uchar>(255, 320), 255) << "the arrow, towards 'in'";
  EXPECT_EQ(picture.at<uchar>(225, 320), 90);
  EXPECT_EQ(picture.at<uchar>(335, 320), 255) << "the zone";
  EXPECT_GT(cv::countNonZero(picture.rowRange(0, 26) == 255), 200) << "the numbers";
}

TEST(Count, LinesAndZonesAreCheckedBeforeAnythingRuns) {
  const auto line = [](const std::string& text) { return problem("count", {{"line", text}}); };
  EXPECT_EQ(line("0,0.5,1,0.5"), "");
  EXPECT_EQ(line(" 0 0.5  1, 0.5 "), "");
  EXPECT_NE(line("0,0.5,1").find("two points"), std::string::npos);
  EXPECT_NE(line("0,0.5,1,0.5,1").find("two points"), std::string::npos);
  EXPECT_NE(line("0,240,640,240").find("shares of the picture"), std::string::npos);
  EXPECT_NE(line("0,0.5,1,-0.5").find("from 0 to 1"), std::string::npos);
  EXPECT_NE(line("0.5,0.5,0.5,0.5").find("the same"), std::string::npos);
  for (const char* wrong : {"a,b,c,d", "0,0.5,1,0.5x", "nan,0,1,1", "inf,0,1,1", "0;0;1;1", "1e999,0,1,1"})
    EXPECT_NE(line(wrong), "") << wrong;
  const auto zone = [](const std::string& text) { return problem("count", {{"zone", text}}); };
  EXPECT_EQ(zone("0,0 1,0 1,1"), "");
  EXPECT_NE(zone("0,0 1,0").find("three points"), std::string::npos);
  EXPECT_NE(zone("0,0 1,0 1").find("three points"), std::string::npos);
  std::string many;
  for (int i = 0; i < 65; ++i) many += "0.5,0.5 ";
  EXPECT_NE(zone(many).find("more than 64"), std::string::npos);
  EXPECT_NE(problem("count", {}).find("neither 'line' nor 'zone'"), std::string::npos);
  for (const char* name : {"", "detections", "a b", "A"})
    EXPECT_NE(problem("count", {{"zone", std::string("0,0 1,0 1,1")}, {"attribute", std::string(name)}}), "") << name;
}

TEST(Count, SeveralStagesWriteAttributesOfTheirOwn) {
  auto task = opened("count", {{"zone", std::string("0,0 1,0 1,1")}, {"attribute", std::string("door")}});
  EXPECT_EQ(counts_of(*task, frame_with({}, 0), "door").at("inside"), 0);
}

TEST(Count, WhatCannotBeRightIsAnErrorAndWhatCannotBeMeasuredIsNowhere) {
  const ParamValues params = {{"line", std::string("0,0.5,1,0.5")}};
  const Frame twice = frame_with({feet_at(1, 1, "0-0"), feet_at(2, 2, "0-0")}, 7);
  EXPECT_NE(error_of("count", params, twice).find("two detections have the track '0-0'"), std::string::npos);
  Frame broken = frame_with({}, 7);
  broken.attributes["detections"] = R"([{"box":[1,2,3,4],"track":{}}])";
  EXPECT_NE(error_of("count", params, broken).find("stage 'album', frame gate/3/7"), std::string::npos);
  broken.attributes.erase("detections");
  EXPECT_NE(error_of("count", params, broken).find("no attribute"), std::string::npos);
  auto task = opened("count", params);
  int number = 0;
  for (const double y : {1e308, -1e308, 1e308, 200.0, 300.0})
    EXPECT_LE(counts_of(*task, frame_with({feet_at(1e308, y, "0-0")}, number++)).at("in"), 1);
}

}  // namespace
}  // namespace ride::tasks
