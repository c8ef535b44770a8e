// Every task that declares a halo: a stripe of the picture with as many rows more on each side gives the same bits as
// the whole. Whatever cuts a picture into stripes relies on it.
#include <gtest/gtest.h>

#include <map>
#include <opencv2/core.hpp>
#include <set>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

struct HaloCase {
  std::string task;
  ParamValues params = {};
  std::vector<int> types = {CV_8UC1, CV_8UC3};
};

ParamValue text(const char* value) { return std::string(value); }
ParamValues ksize(std::int64_t value) { return {{"ksize", value}}; }

std::vector<HaloCase> smoothing_cases() {
  std::vector<HaloCase> cases;
  const std::vector<int> wide = {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3};
  std::vector<int> wide_and_floats = wide;
  wide_and_floats.insert(wide_and_floats.end(), {CV_32FC1, CV_32FC3});
  for (const std::int64_t side : {1, 3, 7, 21, 61}) {
    cases.push_back({"gaussian_blur", ksize(side), wide_and_floats});
    cases.push_back({"stddev_filter", ksize(side), wide_and_floats});
    cases.push_back({"box_blur", ksize(side), wide});
    cases.push_back({"median_blur", ksize(side), {CV_8UC1, CV_8UC3, CV_8UC4}});
    if (side > 1 && side < 61) cases.push_back({"bilateral_filter", ksize(side)});
  }
  for (const std::int64_t search : {3, 9, 21})
    cases.push_back({"denoise", {{"h", 40.0}, {"h_color", 40.0}, {"search_size", search}}});
  cases.push_back({"gaussian_blur", {{"ksize", std::int64_t{61}}, {"sigma", 300.0}}, wide_and_floats});
  for (const double sigma : {0.3, 1.5, 4.0, 9.0}) cases.push_back({"sharpen", {{"sigma", sigma}, {"amount", 3.0}}});
  return cases;
}

std::vector<HaloCase> edge_cases() {
  std::vector<HaloCase> cases = {{"sobel"},
                                 {"sobel", {{"aperture", std::int64_t{5}}, {"scale", 0.3}}},
                                 {"sobel", {{"kind", text("scharr")}, {"scale", 0.3}}},
                                 {"laplacian"},
                                 {"laplacian", {{"aperture", std::int64_t{3}}, {"scale", 0.7}}}};
  for (const char* operation : {"erode", "dilate", "open", "close", "gradient", "tophat", "blackhat"}) {
    for (const char* shape : {"rect", "ellipse", "cross"}) {
      for (const std::int64_t iterations : {1, 3}) {
        cases.push_back({"morphology",
                         {{"operation", text(operation)},
                          {"shape", text(shape)},
                          {"size", std::int64_t{5}},
                          {"iterations", iterations}}});
      }
    }
  }
  return cases;
}

std::vector<HaloCase> value_cases() {
  std::vector<HaloCase> cases = {{"adjust", {{"gamma", 1.5}}, {CV_8UC1, CV_8UC3, CV_8UC4}},
                                 {"delay", {{"ms", 0.0}}},
                                 {"grayscale", {}, {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC3}},
                                 {"hue_saturation", {{"hue", 50.0}, {"saturation", 1.3}}, {CV_8UC3, CV_8UC4}},
                                 {"identity"}};
  for (const char* to : {"gray", "bgr", "hsv", "lab", "ycrcb"}) {
    for (const char* from : {"bgr", "hsv", "lab", "ycrcb"})
      cases.push_back({"convert_color", {{"to", text(to)}, {"from", text(from)}}, {CV_8UC3, CV_8UC4}});
  }
  return cases;
}

const std::vector<HaloCase>& halo_cases() {
  static const std::vector<HaloCase> kCases = [] {
    std::vector<HaloCase> all = smoothing_cases();
    for (auto part : {edge_cases, value_cases})
      for (HaloCase& one : part()) all.push_back(std::move(one));
    return all;
  }();
  return kCases;
}

// Tasks that declare none, and why. A new task stands here or among the cases.
const std::map<std::string, std::string>& tasks_without_halo() {
  static const char* const kFinds = "finds something in the whole picture";
  static const char* const kPlace = "draws at places of the whole picture";
  static const char* const kMoves = "pixels change their place";
  static const char* const kWhole = "each value depends on the whole picture";
  static const char* const kSink = "is a sink";
  static const std::map<std::string, std::string> kReasons = {
      {"blur_faces", kPlace},
      {"canny", "edges are followed through the whole picture"},
      {"clahe", "its tiles are shares of the whole picture"},
      {"count", kPlace},
      {"crop", kMoves},
      {"detect", kFinds},
      {"detect_faces", kFinds},
      {"detect_people", kFinds},
      {"discard", kSink},
      {"draw_detections", kPlace},
      {"equalize", kWhole},
      {"features", kFinds},
      {"fft", kWhole},
      {"flip", kMoves},
      {"matmul", kWhole},
      {"merge", "puts tiles together"},
      {"motion", "judges the whole picture"},
      {"overlay_picture", kPlace},
      {"overlay_text", kPlace},
      {"perspective", kMoves},
      {"print", kSink},
      {"python", "does what its file says"},
      {"qr", kFinds},
      {"resize", kMoves},
      {"rotate", kMoves},
      {"split", "makes the tiles"},
      {"surf", kFinds},
      {"threshold", "otsu looks at the whole picture"},
      {"track", "reads the attribute 'detections', no pixels"},
      {"white_balance", kWhole},
      {"write_images", kSink},
      {"write_video", kSink},
  };
  return kReasons;
}

TEST(EachHalo, IsTriedHereAndEachTaskHasOneOrAReason) {
  std::set<std::string> tried;
  for (const HaloCase& one : halo_cases()) tried.insert(one.task);
  for (const TaskDecl& task : builtin_tasks().catalog().all()) {
    EXPECT_EQ(task.halo != nullptr, tried.contains(task.name)) << task.name;
    EXPECT_NE(tried.contains(task.name), tasks_without_halo().contains(task.name))
        << task.name << " needs a case here, or a reason why it has no halo";
  }
  for (const auto& [task, reason] : tasks_without_halo()) EXPECT_NE(builtin_tasks().find(task), nullptr) << task;
}

TEST(EachHalo, MakesStripesBitExactWithTheWhole) {
  for (const HaloCase& one : halo_cases()) {
    const int halo = declared_halo(one.task, one.params);
    for (const int type : one.types) {
      const cv::Mat in = noise(97, 35, type);
      std::string shown = one.task;
      for (const auto& [name, value] : one.params) shown += " " + name + "=" + to_string(value);
      EXPECT_EQ(difference_in_stripes(one.task, one.params, in, halo), 0) << shown << " type " << type;
      // Stripes of a row or two, at the edges, too.
      EXPECT_EQ(difference_in_stripes(one.task, one.params, in, halo, {1, 3, 50, 51, 96}), 0) << shown << " " << type;
    }
  }
}

TEST(EachHalo, IsNeeded) {
  for (const HaloCase& one : halo_cases()) {
    if (declared_halo(one.task, one.params) == 0) continue;
    double most = 0;
    for (const int type : one.types)
      most = std::max(most, difference_in_stripes(one.task, one.params, noise(97, 35, type), 0));
    EXPECT_GT(most, 0) << one.task << " declares more rows than it needs";
  }
}

}  // namespace
}  // namespace ride::tasks
