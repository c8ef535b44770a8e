// The task surf: what a build without it says, and what one with it does (RIDE_SURF).
#include <gtest/gtest.h>

#include "tests/tasks/keypoint_checks.h"
#include "worker/tasks/surf_search.h"

namespace ride::tasks {
namespace {

#ifdef RIDE_SURF

ParamValues as_data(bool descriptors) { return {{"output", std::string("data")}, {"descriptors", descriptors}}; }

TEST(SurfTask, GivesThePointsOfTheKernelAsData) {
  const cv::Mat in = textured({300, 220}, 10);
  ParamValues params = as_data(true);
  params["max_features"] = std::int64_t{20};
  params["threshold"] = 900.0;
  EXPECT_EQ(keypoint_text("surf", params, in),
            keypoints_to_json(
                "surf", find_surf_keypoints(in, {.surf = {.threshold = 900}, .most = 20, .descriptors = true}, [] {})));
  params["upright"] = true;
  for (const ReadPoint& p : keypoints_of("surf", params, in).points) {
    EXPECT_EQ(p.angle, 0);
    EXPECT_EQ(p.descriptor.size(), 64u);
  }
}

TEST(SurfTask, OctavesAndLayersBoundTheSizesOfPoints) {
  const cv::Mat in = textured({400, 400}, 11);
  ParamValues params = as_data(false);
  params["max_features"] = std::int64_t{100000};
  params["octaves"] = std::int64_t{1}, params["layers"] = std::int64_t{1};
  const auto points = keypoints_of("surf", params, in).points;
  ASSERT_FALSE(points.empty());
  for (const ReadPoint& p : points) EXPECT_NEAR(p.size, 15, 6);
}

TEST(SurfTask, DrawsOnACopyOfThePictureInItsType) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    const cv::Mat in = noise(160, 140, type);
    const cv::Mat out = run("surf", {{"threshold", 1.0}}, in);
    ASSERT_EQ(out.type(), type);
    EXPECT_GT(largest_difference(in, out), 0);
  }
}

TEST(SurfTask, RefusesWhatItCannotDo) {
  EXPECT_NE(error_of("surf", {}, frame_of(noise(70, 70, CV_32FC1))).find("allowed: values of 8U"), std::string::npos);
  EXPECT_NE(problem("surf", {{"descriptors", true}}).find("set 'output' to data"), std::string::npos);
}

#else

TEST(SurfTask, SaysWhyThisBuildHasItNotAndWhatToDo) {
  const std::string text = problem("surf", {});
  EXPECT_NE(text.find("US patent 8,165,401 on it runs to 2029"), std::string::npos) << text;
  EXPECT_NE(text.find("-DRIDE_SURF=ON"), std::string::npos) << text;
  EXPECT_NE(text.find("'features'"), std::string::npos) << text;
  // A worker of another build than the master that checked the topology.
  const auto opened = builtin_tasks().find("surf")->make()->open({.stage = "points"});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("stage 'points': this build"), std::string::npos);
}

#endif

}  // namespace
}  // namespace ride::tasks
