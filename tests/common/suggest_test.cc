#include "common/suggest.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

const std::vector<std::string> kTasks = {"canny", "gaussian_blur", "grayscale", "identity", "resize"};

TEST(Suggest, FindsTheNearestName) {
  EXPECT_EQ(nearest("gausian_blur", kTasks), "gaussian_blur");
  EXPECT_EQ(nearest("cany", kTasks), "canny");
  EXPECT_EQ(nearest("greyscale", kTasks), "grayscale");
  EXPECT_EQ(did_you_mean("resise", kTasks), ", did you mean 'resize'?");
}

TEST(Suggest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest("detect_people", kTasks), std::nullopt);
  EXPECT_EQ(nearest("", kTasks), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
  EXPECT_EQ(did_you_mean("zzz", kTasks), "");
}

TEST(Suggest, AllowsOneEditOfAShortWordAndATieGoesToTheFirst) {
  EXPECT_EQ(nearest("ab", {"ac", "ad"}), "ac");
  EXPECT_EQ(nearest("a", {"b"}), "b");
  EXPECT_EQ(nearest("ab", {"cd"}), std::nullopt);
}

TEST(Suggest, SwappedLettersAreOneEdit) {
  EXPECT_EQ(nearest("fsp", {"fps", "size"}), "fps");
  EXPECT_EQ(nearest("rstp", {"rtmp", "rtsp"}), "rtsp");
}

TEST(Suggest, APartOfANameIsFoundWhereNoWholeNameIsNear) {
  EXPECT_EQ(nearest("blurr", kTasks), "gaussian_blur");
  EXPECT_EQ(nearest("blur", kTasks), "gaussian_blur");
  EXPECT_EQ(nearest("bl", kTasks), std::nullopt);
}

TEST(Suggest, StandsAHugeWord) { EXPECT_EQ(nearest(std::string(10'000'000, 'x'), kTasks), std::nullopt); }

}  // namespace
}  // namespace ride
