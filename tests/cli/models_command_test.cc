// ride models, with an npm that the test writes: what it gives, or that it gives nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "common/json.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ModelsJson = nlohmann::json;

class RideModels : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"bin", "tmp"}) fs::create_directory(folder_ / name);
  }
  RideResult ride(const std::vector<std::string>& arguments, const std::string& path = "") {
    return run_ride(arguments, {folder_.path(),
                                {{"RIDE_MODELS", models_.string()},
                                 {"TMPDIR", (folder_ / "tmp").string()},
                                 {"PATH", path.empty() ? (folder_ / "bin").string() + ":/usr/bin:/bin" : path}}});
  }
  void npm_does(const std::string& script) {
    const auto npm = folder_ / "bin" / "npm";
    std::ofstream(npm) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(npm, fs::perms::owner_all);
  }
  // A package as npm gives it, with these bytes in place of both files.
  void npm_gives(const std::string& bytes) {
    fs::create_directories(folder_ / "package" / "models");
    for (const char* name : {"centernet.json", "centernet.bin"})
      std::ofstream(folder_ / "package" / "models" / name) << bytes;
    npm_does("echo \"$@\" > '" + (folder_ / "asked").string() + "'; exec tar -czf human.tgz -C '" +
             folder_.path().string() + "' package");
  }
  static std::vector<std::string> files_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) names.push_back(entry.path().filename().string());
    return names;
  }

  TempFolder folder_{"models"};
  const fs::path models_ = folder_ / "models";
};

TEST_F(RideModels, AreListedWithWhatTheyFindTheirLicenceAndWhetherTheyAreInstalled) {
  const auto text = ride({"models"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("centernet"), HasSubstr("people"), HasSubstr("MIT"), HasSubstr("no licence"),
                              HasSubstr(models_.string())));
  EXPECT_FALSE(fs::exists(models_)) << "a list makes nothing";
  auto json = ModelsJson::parse(ride({"models", "--json"}).out);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["name"], "centernet");
  EXPECT_EQ(json[0]["installed"], false);
  fs::create_directory(models_);
  std::ofstream(models_ / "centernet.pb") << "half of it";
  EXPECT_THAT(ride({"models"}).out, HasSubstr("damaged"));
  EXPECT_EQ(ModelsJson::parse(ride({"models", "--json"}).out)[0]["installed"], false);
}

TEST_F(RideModels, AnUnknownOneIsAnsweredWithTheOneThatWasMeant) {
  const auto result = ride({"models", "fetch", "centrenet"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'centernet'?"));
  EXPECT_EQ(ride({"models", "fetch"}).code, 2);
}

TEST_F(RideModels, WithoutNpmThePackageOfDebianIsNamed) {
  const auto result = ride({"models", "fetch", "centernet"}, "/nowhere");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("npm"), HasSubstr("apt-get install npm")));
  EXPECT_THAT(files_in(folder_ / "tmp"), IsEmpty());
}

TEST_F(RideModels, WhatNpmSaysWhenItFailsIsShown) {
  npm_does("echo 'npm ERR! code ENOTFOUND' >&2; exit 1");
  const auto result = ride({"models", "fetch", "centernet"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("@vladmandic/human@3.3.6"), HasSubstr("ENOTFOUND")));
  EXPECT_THAT(files_in(models_), ElementsAre(".lock"));
  EXPECT_THAT(files_in(folder_ / "tmp"), IsEmpty());
  npm_does("exit 0");
  EXPECT_EQ(ride({"models", "fetch", "centernet"}).code, 3) << "npm ended well and gave nothing";
}

TEST_F(RideModels, OtherBytesThanThePinnedOnesAreRefusedAndNothingIsLeft) {
  npm_gives("{}");
  const auto result = ride({"models", "fetch", "centernet"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("models/centernet.json"), HasSubstr("SHA-256"), HasSubstr("44136fa355b3678a"),
                                HasSubstr("Nothing was installed")));
  std::string asked;
  std::getline(std::ifstream(folder_ / "asked") >> std::ws, asked);
  EXPECT_EQ(asked, "pack @vladmandic/human@3.3.6");
  EXPECT_THAT(files_in(models_), ElementsAre(".lock"));
  EXPECT_THAT(files_in(folder_ / "tmp"), IsEmpty());
}

TEST_F(RideModels, APackageWithoutTheFilesAndOneThatIsNoneAreRefused) {
  npm_does("echo nothing > human.tgz");
  EXPECT_THAT(ride({"models", "fetch", "centernet"}).err, HasSubstr("has no file models/centernet.json"));
  npm_does("mkdir package && tar -czf human.tgz package");
  const auto result = ride({"models", "fetch", "centernet"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("has no file models/centernet.json"));
  EXPECT_THAT(files_in(folder_ / "tmp"), IsEmpty());
}

TEST_F(RideModels, ASignalEndsItAndNothingIsLeft) {
  npm_does("touch '" + (folder_ / "runs").string() + "'; exec sleep 600");
  RideProcess fetching({"models", "fetch", "centernet"}, {folder_.path(),
                                                          {{"RIDE_MODELS", models_.string()},
                                                           {"TMPDIR", (folder_ / "tmp").string()},
                                                           {"PATH", (folder_ / "bin").string() + ":/usr/bin:/bin"}}});
  for (int i = 0; i < 600 && !fs::exists(folder_ / "runs"); ++i) ::usleep(50'000);
  ASSERT_TRUE(fs::exists(folder_ / "runs"));
  fetching.signal(SIGINT);
  EXPECT_EQ(fetching.wait(std::chrono::seconds(30)).code, 130);
  EXPECT_THAT(files_in(folder_ / "tmp"), IsEmpty());
  EXPECT_TRUE(none_left_within(folder_.path().string(), std::chrono::seconds(30)));
}

// scripts/test installs it into .ride-demo/models before the tests.
TEST_F(RideModels, OneThatIsInstalledIsLeftAsItIsAndNeedsNoNpm) {
  const auto installed = fs::path(RIDE_SOURCE) / ".ride-demo" / "models" / "centernet.pb";
  if (!fs::exists(installed)) {
    GTEST_SKIP() << "NOT TESTED: " << installed
                 << " is not there. RIDE_MODELS=.ride-demo/models ride models fetch centernet";
  }
  fs::create_directory(models_);
  fs::copy_file(installed, models_ / "centernet.pb");
  npm_does("exit 1");
  const auto result = ride({"models", "fetch", "centernet"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("already installed"), HasSubstr("licence: MIT")));
  EXPECT_EQ(ModelsJson::parse(ride({"models", "--json"}).out)[0]["installed"], true);
}

}  // namespace
}  // namespace ride::test
