#include "chaos/core/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "chaos/figure.h"
#include "tests/support/temp_folder.h"

namespace ride::chaos {
namespace {

SystemTime at(int ms) { return SystemTime(std::chrono::milliseconds(ms)); }

Timeline ten_frames_a_second_with_a_hole() {
  std::vector<Arrival> arrivals;
  for (int ms = 0; ms < 10'000; ms += 100) {
    const int late = ms >= 4000 && ms < 6000 ? 6000 - ms : 20;
    arrivals.push_back({at(ms), at(ms + late), PartitionId{0}});
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.arrived < b.arrived; });
  return timeline_of(arrivals, at(0), at(10'000), std::chrono::milliseconds(1000), {{at(4000), "kill node1"}});
}

TEST(Timeline, CountsFramesBySlices) {
  const auto timeline = ten_frames_a_second_with_a_hole();
  ASSERT_EQ(timeline.slices.size(), 10U);
  EXPECT_EQ(timeline.slices[4].frames, 0);
  EXPECT_EQ(timeline.slices[6].frames, 30);  // what waited, and its own ten
  EXPECT_EQ(timeline.slices[6].worst_late_ms, 2000);
  EXPECT_EQ(timeline.slices[9].total, 100);
  const auto csv = to_csv(timeline);
  EXPECT_NE(csv.find("\n4.00,0,0.0,40,0.0,0.0,\"kill node1\"\n"), std::string::npos) << csv;
}

TEST(Timeline, IsDrawnAsAPictureThatDiffersWhereTheFaultIs) {
  test::TempFolder folder("figure");
  const auto timeline = ten_frames_a_second_with_a_hole();
  ASSERT_TRUE(write_figure(timeline, "a title", folder.path(), "course").ok());
  const auto picture = cv::imread((folder / "course.png").string());
  ASSERT_FALSE(picture.empty());
  auto without = timeline;
  without.marks.clear();
  cv::Mat difference;
  cv::absdiff(picture, draw(without, "a title"), difference);
  // The mark's lines and label are the only difference, and lie around 4 of 10 s.
  cv::Mat grey;
  cv::transform(difference, grey, cv::Matx13f(1, 1, 1));
  std::vector<cv::Point> points;
  cv::findNonZero(grey, points);
  ASSERT_GT(points.size(), 100U);
  for (const auto& point : points) EXPECT_NEAR(point.x, 110 + 0.4 * (1400 - 150), 80);
}

TEST(Timeline, AFolderThatCannotBeMadeIsAnError) {
  test::TempFolder folder("figure");
  std::ofstream(folder / "file") << "x";
  EXPECT_FALSE(write_figure(ten_frames_a_second_with_a_hole(), "t", folder / "file", "x").ok());
}

}  // namespace
}  // namespace ride::chaos
