// The real network on the street video that the demo plays (OpenCV's vtest.avi). The people of one frame were marked by
// eye once; what a network finds there is compared with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <opencv2/videoio.hpp>

#include "common/json.h"
#include "tests/tasks/found_objects.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;

constexpr int kFrame = 200;  // the first is 0
// Five people near by; two far away, of 55 pixels, whom it may find; a van and half a car.
const std::vector<cv::Rect2d>& people_by_eye() {
  static const std::vector<cv::Rect2d> kPeople = {
      {84, 154, 26, 61}, {218, 191, 32, 76}, {488, 144, 29, 79}, {617, 265, 34, 104}, {705, 254, 39, 100}};
  return kPeople;
}
const std::vector<cv::Rect2d>& far_people_by_eye() {
  static const std::vector<cv::Rect2d> kPeople = {{677, 98, 21, 55}, {701, 102, 20, 53}};
  return kPeople;
}
const std::vector<cv::Rect2d>& cars_by_eye() {
  static const std::vector<cv::Rect2d> kCars = {{652, 44, 72, 56}, {734, 50, 34, 43}};
  return kCars;
}

int found_of(const std::vector<cv::Rect2d>& wanted, const std::string& label, const std::vector<Detection>& found) {
  return static_cast<int>(std::count_if(wanted.begin(), wanted.end(), [&](const cv::Rect2d& one) {
    return std::any_of(found.begin(), found.end(),
                       [&](const Detection& d) { return d.label == label && overlap(rect_of(d), one) >= 0.5; });
  }));
}

// scripts/test fetches both before the tests.
class StreetDetection : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [file, command] :
         {std::pair{video_, "scripts/fetch-demo-video"},
          std::pair{models_ / "centernet.pb", "RIDE_MODELS=.ride-demo/models ride models fetch centernet"}})
      if (!fs::exists(file)) GTEST_SKIP() << "NOT TESTED: " << file << " is not there. " << command << " fetches it";
    ::setenv("RIDE_MODELS", models_.c_str(), 1);
  }
  void TearDown() override { ::unsetenv("RIDE_MODELS"); }

  // Frames from..to - 1 through the tasks one after the other: the frames in which someone crosses a line from the top
  // to the bottom, once for each who does.
  std::vector<int> crossings_of_the_middle(int from, int to) const {
    const auto detect = opened("detect", {{"model", std::string("centernet")}, {"classes", std::string("person")}}),
               track = opened("track"), count = opened("count", {{"line", std::string("0.5,0,0.5,1")}});
    cv::VideoCapture video(video_.string());
    std::vector<int> crossings;
    cv::Mat picture;
    for (int number = 0; number < to; ++number) {
      EXPECT_TRUE(number < from ? video.grab() : video.read(picture));
      if (number < from) continue;
      Frame passed = frame_of(picture.clone(), number);
      for (Task* task : {detect.get(), track.get(), count.get()}) {
        KeepingEmitter out;
        const auto done = task->process(passed, out);
        EXPECT_TRUE(done) << (done ? "" : done.error().message);
        passed = out.only();
      }
      const auto counts = nlohmann::json::parse(passed.attributes.at("counts"));
      crossings.insert(crossings.end(), counts.at("crossed").size(), number);
    }
    return crossings;
  }
  cv::Mat frame(int number) const {
    cv::VideoCapture video(video_.string());
    cv::Mat picture;
    for (int i = 0; i <= number; ++i) EXPECT_TRUE(video.read(picture));
    return picture.clone();
  }
  std::vector<Detection> found_in(const cv::Mat& picture, ParamValues params = {}) const {
    params["model"] = std::string("centernet");
    KeepingEmitter out;
    const auto done = opened("detect", params)->process(frame_of(picture, kFrame), out);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return detections_from_json(out.only().attributes.at("detections")).value();
  }

  const fs::path folder_ = fs::path(RIDE_SOURCE_DIR) / ".ride-demo", video_ = folder_ / "vtest.avi",
                 models_ = folder_ / "models";
};

TEST_F(StreetDetection, FindsFourOfTheFivePeopleOfAFrameAndACarAndLittleThatIsNotThere) {
  const cv::Mat picture = frame(kFrame);
  const auto found = found_in(picture, {{"classes", std::string("person,car")}});
  const int people = found_of(people_by_eye(), "person", found), far = found_of(far_people_by_eye(), "person", found),
            cars = found_of(cars_by_eye(), "car", found);
  EXPECT_GE(people, 4) << detections_to_json(found);
  EXPECT_GE(cars, 1) << detections_to_json(found);
  // A stand and a stone pass for people, with scores of 0.31 and 0.30.
  EXPECT_LE(static_cast<int>(found.size()) - people - far - cars, 2) << detections_to_json(found);
  for (const auto& d : found) {
    EXPECT_TRUE(d.label == "person" || d.label == "car") << d.label;
    EXPECT_GE(d.score, 0.3);
    EXPECT_EQ((cv::Rect2d(d.x, d.y, d.width, d.height) & cv::Rect2d(0, 0, picture.cols, picture.rows)).area(),
              d.width * d.height);
  }
}

// Whoever crosses the column in the middle is seen in a picture that has this column of each frame beside that of the
// frame before. Counted there by eye: 28 people from frame 140 on; of these the three of a part.
TEST_F(StreetDetection, PeopleWhoWalkOverTheMiddleOfThePictureAreCounted) {
  const std::vector<int> by_eye = {254, 278, 288};
  const auto crossings = crossings_of_the_middle(236, 302);
  ASSERT_EQ(crossings.size(), by_eye.size());
  for (std::size_t i = 0; i < by_eye.size(); ++i) EXPECT_NEAR(crossings[i], by_eye[i], 8);
}

TEST_F(StreetDetection, TwoPartitionsOfAWorkerFindTheSame) {
  const cv::Mat picture = frame(0);
  const auto once = found_in(picture);
  EXPECT_FALSE(once.empty());
  EXPECT_EQ(found_in(picture), once);
}

}  // namespace
}  // namespace ride::tasks
