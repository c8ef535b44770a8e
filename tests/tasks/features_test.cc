// features: FAST against its definition, the others on turned pictures, and what tiles and drawing change.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <tuple>

#include "tests/tasks/keypoint_checks.h"
#include "worker/tasks/keypoints.h"

namespace ride::tasks {
namespace {

const std::vector<std::string> kKinds = {"akaze", "fast", "orb", "sift"};

ParamValues of_kind(const std::string& kind, std::int64_t most = 100000) {
  return {{"kind", kind}, {"max_features", most}};
}

// The largest threshold at which the pixel is a corner: at least 9 neighbours of the 16 on the circle of radius 3, in a
// row, are all brighter than it by more than that, or all darker. -1: at none.
int corner_score(const cv::Mat& in, int y, int x) {
  if (y < 3 || x < 3 || y >= in.rows - 3 || x >= in.cols - 3) return -1;
  static const int kCircle[16][2] = {{0, 3},  {1, 3},   {2, 2},   {3, 1},   {3, 0},  {3, -1}, {2, -2}, {1, -3},
                                     {0, -3}, {-1, -3}, {-2, -2}, {-3, -1}, {-3, 0}, {-3, 1}, {-2, 2}, {-1, 3}};
  int best = 0;  // the difference of the weakest of nine
  for (int sign : {-1, 1}) {
    for (int start = 0; start < 16; ++start) {
      int weakest = 256;
      for (int i = start; i < start + 9; ++i) {
        const int* offset = kCircle[i % 16];
        const int difference = in.at<std::uint8_t>(y + offset[1], x + offset[0]) - in.at<std::uint8_t>(y, x);
        weakest = std::min(weakest, sign * difference);
      }
      best = std::max(best, weakest);
    }
  }
  return best - 1;
}

// Corners with a score of at least the threshold that is above those of all 8 neighbours that are corners, too.
std::vector<ReadPoint> fast_corners(const cv::Mat& in, int threshold) {
  cv::Mat scores(in.size(), CV_32SC1);
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      const int score = corner_score(in, y, x);
      scores.at<int>(y, x) = score >= threshold ? score : 0;
    }
  }
  std::vector<ReadPoint> found;
  for (int y = 3; y < in.rows - 3; ++y) {
    for (int x = 3; x < in.cols - 3; ++x) {
      const int score = scores.at<int>(y, x);
      bool most = score > 0;
      for (int k = 0; k < 9; ++k) most = most && (k == 4 || score > scores.at<int>(y + k / 3 - 1, x + k % 3 - 1));
      if (most) found.push_back({double(x), double(y), 7, -1, double(score), {}});
    }
  }
  std::sort(found.begin(), found.end(), [](const ReadPoint& a, const ReadPoint& b) {
    return std::tuple(-a.response, a.y, a.x) < std::tuple(-b.response, b.y, b.x);
  });
  return found;
}

TEST(Features, FastFindsTheCornersOfItsDefinition) {
  for (const cv::Size size : {cv::Size(64, 48), cv::Size(17, 13), cv::Size(7, 7), cv::Size(6, 9), cv::Size(61, 8)}) {
    for (const std::int64_t threshold : {1, 20, 90}) {
      for (const cv::Mat& in : {noise(size.height, size.width, CV_8UC1), textured(size, 3)}) {
        ParamValues params = of_kind("fast");
        params["fast_threshold"] = threshold;
        const ReadKeypoints got = keypoints_of("features", params, in);
        const auto wanted = fast_corners(in, static_cast<int>(threshold));
        EXPECT_EQ(got.kind, "fast");
        EXPECT_EQ(got.points, wanted) << size << threshold;
        EXPECT_EQ(got.found, static_cast<std::int64_t>(wanted.size())) << size << threshold;
      }
    }
  }
}

TEST(Features, FastIsExactInTilesToo) {
  for (const cv::Size size : {cv::Size(4200, 40), cv::Size(30, 2300)}) {
    cv::Mat in(size, CV_8UC1, cv::Scalar(30));
    // Few enough for the attribute, most of them where tiles meet: at multiples of 64.
    for (int i = 0; i < std::max(size.width, size.height) / 16 - 1; ++i) {
      const int along = 12 + 16 * i + i % 5, across = 8 + i % 3;
      const cv::Point at = size.width > size.height ? cv::Point(along, across) : cv::Point(across, along);
      in(cv::Rect(at, cv::Size(1 + i % 3, 2))) = cv::Scalar(100 + i % 100);
      in.at<std::uint8_t>(at) += 20;
    }
    const ReadKeypoints got = keypoints_of("features", of_kind("fast"), in);
    const auto wanted = fast_corners(in, 20);
    ASSERT_GT(wanted.size(), 100u);
    EXPECT_EQ(got.points, wanted) << size;
    EXPECT_EQ(got.found, static_cast<std::int64_t>(wanted.size()));
  }
}

TEST(Features, AColorPictureCountsByItsBrightness) {
  const cv::Mat gray = textured({200, 150}, 4);
  for (const std::string& kind : kKinds) {
    const std::string wanted = keypoint_text("features", of_kind(kind, 50), gray);
    for (const int code : {cv::COLOR_GRAY2BGR, cv::COLOR_GRAY2BGRA}) {
      cv::Mat color;
      cv::cvtColor(gray, color, code);
      EXPECT_EQ(keypoint_text("features", of_kind(kind, 50), color), wanted) << kind;
    }
  }
}

TEST(Features, PointsOfATurnedAndScaledPictureMatchWhereTheTurnPutsThem) {
  const cv::Mat in = textured({420, 360}, 7);
  for (const auto& [kind, distance, least] :
       {std::tuple<std::string, DescriptorDistance, std::size_t>{"orb", differing_bits, 100},
        {"akaze", differing_bits, 50},
        {"sift", squared_distance, 50}}) {
    ParamValues params = of_kind(kind, 300);
    params["descriptors"] = true;
    for (const auto& [degrees, scale] : {std::pair{0.0, 1.0}, {35.0, 1.0}, {-100.0, 0.8}}) {
      const TurnResult result =
          compare_turned([&](const cv::Mat& picture) { return keypoints_of("features", params, picture); }, in, degrees,
                         scale, distance);
      EXPECT_GE(result.right, least) << kind << " " << degrees;
      EXPECT_GE(static_cast<double>(result.right), 0.7 * static_cast<double>(result.matches)) << kind << " " << degrees;
      EXPECT_NEAR(result.turned_by, degrees, 4) << kind;
      EXPECT_NEAR(result.scaled_by, scale, 0.1) << kind;
    }
  }
}

TEST(Features, DescriptorsHaveTheLengthOfTheirKind) {
  for (const auto& [kind, bytes] : {std::pair{"akaze", 61u}, {"orb", 32u}, {"sift", 128u}}) {
    ParamValues params = of_kind(kind, 20);
    for (const bool wanted : {false, true}) {
      params["descriptors"] = wanted;
      const ReadKeypoints got = keypoints_of("features", params, textured({300, 220}, 5));
      ASSERT_GE(got.points.size(), 10u) << kind;
      for (const ReadPoint& point : got.points) EXPECT_EQ(point.descriptor.size(), wanted ? bytes : 0u) << kind;
    }
  }
}

TEST(Features, TheAttributeIsBoundedKeepsTheStrongestAndSaysHowManyThereWere) {
  const cv::Mat in = noise(300, 300, CV_8UC1);
  const auto all = fast_corners(in, 20);
  const std::string text = keypoint_text("features", of_kind("fast"), in);
  EXPECT_LE(text.size(), kMostKeypointText);
  EXPECT_GT(text.size(), kMostKeypointText - 100);
  ReadKeypoints got = keypoints_of("features", of_kind("fast"), in);
  EXPECT_EQ(got.found, static_cast<std::int64_t>(all.size()));
  ASSERT_GT(all.size(), got.points.size());
  EXPECT_TRUE(std::equal(got.points.begin(), got.points.end(), all.begin()));
  got = keypoints_of("features", of_kind("fast", 10), in);
  EXPECT_EQ(got.found, static_cast<std::int64_t>(all.size()));
  EXPECT_EQ(got.points, std::vector(all.begin(), all.begin() + 10));
}

TEST(Features, ALowerThresholdFindsMore) {
  const cv::Mat in = textured({300, 200}, 6);
  for (const auto& [kind, name, low, high] : {std::tuple<const char*, const char*, ParamValue, ParamValue>{
                                                  "fast", "fast_threshold", std::int64_t{10}, std::int64_t{60}},
                                              {"orb", "fast_threshold", std::int64_t{5}, std::int64_t{150}},
                                              {"sift", "sift_threshold", 0.01, 0.15},
                                              {"akaze", "akaze_threshold", 0.0005, 0.02}}) {
    ParamValues params = of_kind(kind);
    params[name] = low;
    const auto many = keypoints_of("features", params, in).found;
    params[name] = high;
    const auto few = keypoints_of("features", params, in).found;
    EXPECT_GT(few, 0) << kind;
    EXPECT_GT(many, 1.2 * static_cast<double>(few)) << kind;
  }
}

TEST(Features, StandsPicturesOfAnySize) {
  for (const std::string& kind : kKinds) {
    for (const cv::Size size : kSizes)
      keypoint_text("features", of_kind(kind), noise(size.height, size.width, CV_8UC3));
    for (const int side : {14, 15, 16, 19, 31, 32, 62, 63, 64, 80})
      for (const cv::Size size : {cv::Size(side, side), cv::Size(300, side), cv::Size(side, 200)})
        keypoint_text("features", of_kind(kind), noise(size.height, size.width, CV_8UC1));
    EXPECT_EQ(keypoint_text("features", of_kind(kind), cv::Mat(100, 100, CV_8UC1, cv::Scalar(7))),
              "{\"kind\":\"" + kind + "\",\"found\":0,\"points\":[]}");
  }
}

TEST(Features, OfAViewLooksAtThePixelsOfTheViewOnly) {
  const cv::Mat large = textured({300, 260}, 8);
  const cv::Mat view = large(cv::Rect(60, 50, 160, 140));
  for (const std::string& kind : kKinds) {
    Frame frame = frame_of(cv::Mat());
    frame.image = view;
    KeepingEmitter out;
    ParamValues params = of_kind(kind);
    params["output"] = std::string("data");
    ASSERT_TRUE(opened("features", params)->process(frame, out));
    EXPECT_EQ(out.only().attributes.at("keypoints"), keypoint_text("features", params, view.clone())) << kind;
  }
}

TEST(Features, SaysTheSameEachTimeAndWithAnyNumberOfThreads) {
  const cv::Mat in = textured({400, 300}, 9);
  for (const std::string& kind : kKinds) {
    ParamValues params = of_kind(kind);
    params["descriptors"] = kind != "fast";
    const std::string first = keypoint_text("features", params, in);
    EXPECT_EQ(keypoint_text("features", params, in), first) << kind;
    const OpenCvThreads threads(3);
    EXPECT_EQ(keypoint_text("features", params, in), first) << kind;
  }
}

// Pixels that differ; each must lie on the circle or the line of a point, and a circle must be drawn all around.
void expect_drawn(const cv::Mat& in, const cv::Mat& out, const std::vector<ReadPoint>& points, const cv::Vec3b& ink) {
  const auto is_on = [](const ReadPoint& p, int x, int y) {
    const double radius = p.size / 2, across = x - p.x, down = y - p.y;
    if (std::abs(std::hypot(across, down) - radius) <= 2) return true;
    const double angle = p.angle * CV_PI / 180;
    const double along = across * std::cos(angle) + down * std::sin(angle);
    const double aside = down * std::cos(angle) - across * std::sin(angle);
    return p.angle >= 0 && along >= -1 && along <= radius + 1 && std::abs(aside) <= 1.5;
  };
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      if (out.at<cv::Vec3b>(y, x) == in.at<cv::Vec3b>(y, x)) continue;
      EXPECT_EQ(out.at<cv::Vec3b>(y, x), ink);
      EXPECT_TRUE(std::any_of(points.begin(), points.end(), [&](const auto& p) { return is_on(p, x, y); }))
          << x << "," << y;
    }
  }
  const auto is_ink_near = [&](double x, double y) {
    for (int k = 0; k < 25; ++k) {
      const cv::Point at(cvRound(x) + k % 5 - 2, cvRound(y) + k / 5 - 2);
      if (!cv::Rect(0, 0, in.cols, in.rows).contains(at) || out.at<cv::Vec3b>(at) == ink) return true;
    }
    return false;
  };
  for (const ReadPoint& p : points) {
    for (int degrees = 0; degrees < 360; degrees += 10) {
      const double a = degrees * CV_PI / 180, r = p.size / 2;
      EXPECT_TRUE(is_ink_near(p.x + r * std::cos(a), p.y + r * std::sin(a))) << p.x << "," << p.y;
    }
    for (double r = 0; p.angle >= 0 && r <= p.size / 2; ++r) {
      const double a = p.angle * CV_PI / 180;
      EXPECT_TRUE(is_ink_near(p.x + r * std::cos(a), p.y + r * std::sin(a))) << p.x << "," << p.y;
    }
  }
}

TEST(Features, DrawsACircleOfTheSizeAndALineToTheAngleOfEachPoint) {
  cv::Mat in;
  cv::cvtColor(textured({300, 220}, 10), in, cv::COLOR_GRAY2BGR);
  for (const std::string& kind : kKinds) {
    ParamValues params = of_kind(kind, 15);
    const ReadKeypoints points = keypoints_of("features", params, in);
    params["output"] = std::string("draw");
    params["color"] = std::string("#ff0080");
    ASSERT_GE(points.points.size(), 10u);
    expect_drawn(in, run("features", params, in), points.points, cv::Vec3b(128, 0, 255));
  }
}

TEST(Features, DrawsByDefaultAndKeepsTheTypeOfThePicture) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    const cv::Mat in = noise(120, 100, type);
    const cv::Mat out = run("features", {}, in);
    ASSERT_EQ(out.type(), type);
    EXPECT_GT(largest_difference(in, out), 0);
  }
}

TEST(Features, RefusesWhatItCannotDo) {
  EXPECT_NE(error_of("features", {}, frame_of(noise(70, 70, CV_16UC1))).find("allowed: values of 8U"),
            std::string::npos);
  EXPECT_NE(error_of("features", {}, frame_of(noise(70, 70, CV_8UC2))).find("allowed: 1, 3, 4"), std::string::npos);
  EXPECT_NE(error_of("features", {}, frame_of(cv::Mat())).find("is empty"), std::string::npos);
  const ParamValues corners = {{"kind", std::string("fast")}, {"descriptors", true}, {"output", std::string("data")}};
  EXPECT_NE(problem("features", corners).find("fast has no descriptors"), std::string::npos);
  EXPECT_NE(problem("features", {{"descriptors", true}}).find("set 'output' to data"), std::string::npos);
  EXPECT_NE(problem("features", {{"kind", std::string("surf")}}).find("akaze"), std::string::npos);
  EXPECT_NE(problem("features", {{"max_features", std::int64_t{0}}}), "");
}

// Where tiles meet against a part of the picture around there, which is one tile.
TEST(Features, TilesChangeFewPoints) {
  for (const auto& [kind, width] : {std::pair{"orb", 4500}, {"sift", 2300}, {"akaze", 2300}}) {
    const cv::Mat in = textured({width, 200}, 11);
    const cv::Rect middle(width / 2 - 500, 0, 1000, 200);  // where the tiles meet
    ParamValues params = of_kind(kind, 600);
    const ReadKeypoints whole = keypoints_of("features", params, in);
    const ReadKeypoints part = keypoints_of("features", of_kind(kind), in(middle).clone());
    // Each point near the edge is one of that part alone, and none comes twice.
    const int edge = width / 2 / 64 * 64;
    int near_edge = 0, also = 0;
    for (const ReadPoint& p : whole.points) {
      if (std::abs(p.x - edge) > 150) continue;
      ++near_edge;
      also += std::any_of(part.points.begin(), part.points.end(), [&, first = middle.x](const ReadPoint& q) {
        return std::hypot(p.x - q.x - first, p.y - q.y) <= std::max(1.0, p.size / 10);
      });
      if (std::abs(p.x - edge) > 32) continue;  // farther inside a tile, SIFT itself may find one twice
      EXPECT_EQ(std::count_if(whole.points.begin(), whole.points.end(),
                              [&](const ReadPoint& q) {
                                return std::hypot(p.x - q.x, p.y - q.y) < 0.5 &&
                                       std::abs(p.size - q.size) < 0.01 * p.size &&
                                       std::abs(std::remainder(p.angle - q.angle, 360.0)) < 2;
                              }),
                1)
          << kind << " " << p.x << "," << p.y;
    }
    EXPECT_GT(near_edge, 20) << kind;
    EXPECT_GE(also, 0.85 * near_edge) << kind;
  }
}

}  // namespace
}  // namespace ride::tasks
