#include "producer/sources/synthetic_source.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace ride::producer {
namespace {

bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

// FNV-1a of the pixels: the scene must stay the same for ever, or stored results no longer compare.
std::uint64_t fingerprint(const cv::Mat& image) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (int y = 0; y < image.rows; ++y) {
    const std::uint8_t* row = image.ptr(y);
    for (std::size_t x = 0; x < static_cast<std::size_t>(image.cols) * image.elemSize(); ++x) {
      hash = (hash ^ row[x]) * 0x100000001B3ULL;
    }
  }
  return hash;
}

TEST(SyntheticSource, APictureDependsOnSeedAndNumberAlone) {
  for (const Scene scene : {Scene::moving, Scene::noise}) {
    const SyntheticSource one({.width = 160, .height = 120, .seed = 5, .scene = scene});
    const SyntheticSource two({.width = 160, .height = 120, .seed = 5, .scene = scene});
    const SyntheticSource other({.width = 160, .height = 120, .seed = 6, .scene = scene});
    one.picture(3);
    EXPECT_TRUE(same(one.picture(17), two.picture(17)));
    EXPECT_FALSE(same(one.picture(17), two.picture(18)));
    EXPECT_FALSE(same(one.picture(17), other.picture(17)));
  }
}

TEST(SyntheticSource, GivesTheAskedSizeAndChannels) {
  for (const int channels : {1, 2, 3, 4}) {
    const SyntheticSource source({.width = 90, .height = 70, .channels = channels});
    const cv::Mat image = source.picture(0);
    EXPECT_EQ(image.size(), cv::Size(90, 70));
    EXPECT_EQ(image.type(), CV_8UC(channels));
  }
  EXPECT_EQ(SyntheticSource({.width = 1, .height = 1, .channels = 1}).picture(9).total(), 1u);
}

TEST(SyntheticSource, EndsBehindItsLastFrameAndContinuesWhereAsked) {
  SyntheticSource source({.width = 16, .height = 16, .frames = 5});
  EXPECT_EQ(source.state().total, 5);
  ASSERT_TRUE(source.open(3).ok());
  for (const std::int64_t number : {3, 4}) {
    auto pulled = source.next(std::chrono::milliseconds(0));
    ASSERT_TRUE(pulled.ok());
    ASSERT_TRUE(std::holds_alternative<CapturedFrame>(*pulled));
    EXPECT_EQ(std::get<CapturedFrame>(*pulled).number, number);
    EXPECT_TRUE(same(std::get<CapturedFrame>(*pulled).image, source.picture(number)));
  }
  EXPECT_TRUE(std::holds_alternative<SourceEnded>(source.next(std::chrono::milliseconds(0)).value()));
}

TEST(SyntheticSource, TheSceneMovesButMostOfItStays) {
  const SyntheticSource source({.width = 300, .height = 300, .channels = 1});
  cv::Mat difference;
  cv::absdiff(source.picture(10), source.picture(20), difference);
  const int changed = cv::countNonZero(difference);
  EXPECT_GT(changed, 300);
  EXPECT_LT(changed, 300 * 300 / 2);
}

TEST(SyntheticSource, PicturesStayTheSameOverVersions) {
  const auto print = [](Scene scene, std::int64_t number) {
    return fingerprint(
        SyntheticSource({.width = 64, .height = 48, .channels = 1, .seed = 1, .scene = scene}).picture(number));
  };
  EXPECT_EQ(print(Scene::noise, 0), 0x8739cda3fcf8886dULL);
  EXPECT_EQ(print(Scene::noise, 1000), 0x490dcc2e5aa6b66ULL);
  EXPECT_EQ(print(Scene::moving, 0), 0xbe36c98a55fc72f8ULL);
  EXPECT_EQ(print(Scene::moving, 1000), 0xb1c89aed9086d4efULL);
}

}  // namespace
}  // namespace ride::producer
