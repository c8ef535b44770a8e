#include "cli/core/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;
using Seconds = Progress::Seconds;

Json job_at(double progress, int acked, int total) {
  return {{"progress", progress},
          {"sources", Json::array({{{"source", "s"}, {"total", total}}})},
          {"stages", Json::array({{{"stage", "a"}, {"sink", true}, {"acked", acked}},
                                  {{"stage", "b"}, {"sink", true}, {"acked", acked + 5}}})}};
}

TEST(Progress, ShowsShareRateAndWhatIsLeft) {
  Progress progress;
  progress.see(job_at(0.1, 100, 1000), Seconds(0));
  progress.see(job_at(0.3, 300, 1000), Seconds(2));
  EXPECT_DOUBLE_EQ(progress.fps(), 100);
  ASSERT_TRUE(progress.remaining().has_value());
  EXPECT_NEAR(progress.remaining()->count(), 7, 1e-9);
  EXPECT_EQ(progress.render(0, false), " 30 % 300/1000 frames  100 fps  7 s left");
}

TEST(Progress, HasABarOnATerminal) {
  Progress progress;
  progress.see(job_at(0.5, 50, 100), Seconds(0));
  EXPECT_THAT(progress.render(120, true), HasSubstr("████████████████████░░░░░░░░░░░░░░░░░░░░"));
}

TEST(Progress, DoesNotInventWhatIsNotKnownYet) {
  Progress progress;
  progress.see(Json::parse(R"({"progress": null, "sources": [{"total": null}], "stages": [], "frames_out": 3})"),
               Seconds(0));
  EXPECT_EQ(progress.render(0, false), "  ? % 3 frames  0 fps");
  EXPECT_FALSE(progress.remaining().has_value());
}

TEST(Progress, ForgetsTheRateOfLongAgo) {
  Progress progress;
  for (int second = 0; second <= 20; ++second)
    progress.see(job_at(0.5, second < 10 ? second * 100 : 1000, 2000), Seconds(second));
  EXPECT_DOUBLE_EQ(progress.fps(), 0);
}

}  // namespace
}  // namespace ride::cli
