// Which plug-ins of jobs a node lets its workers load.
#include "common/plugin_permit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride {
namespace {

using ::testing::HasSubstr;

const std::string kOne(64, 'a'), kTwo(64, 'b');

PluginPermit permit(const std::vector<std::string>& words) { return PluginPermit::parse(words).value(); }
std::string refused(const std::vector<std::string>& words) {
  const auto parsed = PluginPermit::parse(words);
  return parsed.ok() ? "it is taken" : parsed.error().message;
}

TEST(PluginPermit, AllowsNothingThatWasNotNamed) {
  for (const auto& words : {std::vector<std::string>{}, {"none"}}) {
    EXPECT_FALSE(permit(words).allows(kOne));
    EXPECT_EQ(permit(words).label(), "");
  }
  const auto one = permit({"sha256:" + kOne});
  EXPECT_TRUE(one.allows(kOne));
  EXPECT_FALSE(one.allows(kTwo));
  EXPECT_FALSE(one.allows(""));
  EXPECT_FALSE(one.allows("any"));
  EXPECT_TRUE(permit({"any"}).allows(kTwo));
}

TEST(PluginPermit, IsTakenExactlyAsItIsWritten) {
  for (const std::string word : {"", "all", "ANY", "sha256:", "sha256:zz", "any "})
    EXPECT_THAT(refused({word}), HasSubstr("sha256sum"));
  EXPECT_THAT(refused({kOne}), HasSubstr("sha256: and the 64 digits"));
  EXPECT_THAT(refused({"sha256:" + std::string(64, 'A')}), HasSubstr("sha256sum"));
  EXPECT_THAT(refused({"sha256:" + kOne, "any"}), HasSubstr("any stands alone"));
  EXPECT_THAT(refused({"none", "sha256:" + kOne}), HasSubstr("none stands alone"));
  std::vector<std::string> many;
  for (int i = 0; i < 61; ++i) many.push_back(permit_word(std::string(62, 'a') + std::to_string(10 + i)));
  EXPECT_THAT(refused(many), HasSubstr("60 are the most"));
}

TEST(PluginPermit, ALabelTellsTheMasterWhereAPluginMayGo) {
  const auto label = permit({permit_word(kOne), permit_word(kTwo)}).label();
  EXPECT_TRUE(label_allows(label, permit_word(kOne)));
  EXPECT_TRUE(label_allows(label, permit_word(kTwo)));
  EXPECT_FALSE(label_allows(label, permit_word(std::string(64, 'c'))));
  EXPECT_TRUE(label_allows("any", permit_word(kOne)));
  for (const std::string wanted : {"", "any", "sha256:", "sha256:a", "a"})
    EXPECT_FALSE(label_allows(label, wanted)) << wanted;
  EXPECT_FALSE(label_allows("", permit_word(kOne)));
}

}  // namespace
}  // namespace ride
