// `ride try` of files: a Python class with its parameters, the one task of a plug-in, again at each save, in a viewer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <thread>

#include "common/json.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kCount = R"(class Count:
    threshold: int = 200
    label: str = "none"
    def process(self, frame, out):
        print("label is", self.label)
        out.emit(frame, attributes={"count": int((frame.image >= self.threshold).sum()), "label": self.label})
)";

class TryFile : public ::testing::Test {
 protected:
  void SetUp() override {
    write("count.py", kCount);
    picture(150);
  }
  void TearDown() override { EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(60))); }
  // Aside and renamed, as editors do.
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / (name + "~")) << text;
    fs::rename(folder_ / (name + "~"), folder_ / name);
  }
  void picture(int value) {
    ASSERT_TRUE(cv::imwrite((folder_ / "new.png").string(), cv::Mat(4, 5, CV_8UC1, cv::Scalar(value))));
    fs::rename(folder_ / "new.png", folder_ / "in.png");
  }
  // Debian's Python, which has numpy; no screen, whatever this machine has.
  RideOptions options(std::map<std::string, std::string> more = {}) const {
    more.insert({{"TMPDIR", folder_.path().string()}, {"DISPLAY", ""}, {"WAYLAND_DISPLAY", ""}});
    more.insert({"PATH", "/usr/bin:/bin"});
    return {folder_.path(), std::move(more)};
  }
  RideResult tried(std::vector<std::string> arguments, std::map<std::string, std::string> more = {}) {
    arguments.insert(arguments.begin(), "try");
    arguments.insert(arguments.end(), {"--on", "in.png"});
    return run_ride(arguments, options(std::move(more)));
  }

  TempFolder folder_{"try"};
};

TEST_F(TryFile, APythonFileStandsForItsClassAndParametersAreTheClasss) {
  const auto plain = tried({"count.py"});
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, AllOf(HasSubstr("count.py on in.png (5x4x1 8U): "), HasSubstr("count: 0"),
                               HasSubstr("| count.py: label is none")));
  const auto given =
      tried({"count.py", "--param", "threshold=100", "--param", "label=two words", "--param", "timeout=5", "--json"});
  EXPECT_EQ(given.code, 0) << given.err;
  const auto report = nlohmann::json::parse(given.out);
  EXPECT_EQ(report.at("frames").at(0).at("attributes").at("count"), "20");
  EXPECT_EQ(report.at("frames").at(0).at("attributes").at("label"), "two words");
  EXPECT_THAT(report.at("printed").dump(), HasSubstr("label is two words"));
}

TEST_F(TryFile, WhatIsWrongWithAPythonFileIsTold) {
  EXPECT_THAT(tried({"count.py", "--param", "threshhold=1"}).err, HasSubstr("threshhold"));
  EXPECT_THAT(tried({"count.py", "--param", "threshold=high"}).err, HasSubstr("threshold"));
  EXPECT_THAT(tried({"count.py", "--param", "threshold"}).err, HasSubstr("is not NAME=VALUE"));
  EXPECT_THAT(tried({"count.py", "--param", "threshold=1", "--param", "threshold=2"}).err, HasSubstr("twice"));
  EXPECT_THAT(tried({"count.py", "--param", "threshold=1", "--param", "values={}"}).err, HasSubstr("in one way"));
  EXPECT_THAT(tried({"none.py"}).err, HasSubstr("none.py"));
  write("bad.py", "class Bad:\n    def process(self, frame, out)\n        pass\n");
  const auto bad = tried({"bad.py"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, AllOf(HasSubstr("bad.py:2"), HasSubstr("SyntaxError")));
}

TEST_F(TryFile, AgainAtEachSaveAndAfterErrorsUntilCtrlC) {
  RideProcess watching({"try", "count.py", "--on", "in.png", "--param", "threshold=100", "--watch"}, options());
  ASSERT_TRUE(watching.wait_for_output("count: 20", seconds(60))) << watching.err();
  write("count.py", "class Count:\n    def process(self frame, out):\n");
  for (int i = 0; i < 600 && watching.err().find("SyntaxError") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_THAT(watching.err(), HasSubstr("count.py:2"));
  std::string text = kCount;
  write("count.py", text.replace(text.find("\"count\""), 7, "\"better\""));
  ASSERT_TRUE(watching.wait_for_output("better: 20", seconds(60))) << watching.err();
  picture(50);
  ASSERT_TRUE(watching.wait_for_output("better: 0", seconds(60))) << watching.err();
  fs::remove(folder_ / "count.py");
  std::ofstream(folder_ / "count.py") << kCount;  // in place
  ASSERT_TRUE(watching.wait_for_output("    count: 0", seconds(60))) << watching.err();
  watching.signal(SIGINT);
  EXPECT_EQ(watching.wait(seconds(60)).code, 130);
}

TEST_F(TryFile, WithoutAScreenShowSaysWhatElseCanBeDone) {
  const auto blind = tried({"count.py", "--show"});
  EXPECT_EQ(blind.code, 1);
  EXPECT_THAT(blind.err, AllOf(HasSubstr("DISPLAY"), HasSubstr("--save FILE")));
}

TEST_F(TryFile, ShowOpensWhatGoesInBesideWhatComesOut) {
  const auto bin = folder_ / "bin";
  fs::create_directory(bin);
  const auto viewer = [&](const std::string& script) {
    std::ofstream(bin / "xdg-open") << "#!/bin/sh\n" << script;
    fs::permissions(bin / "xdg-open", fs::perms::owner_all);
    return tried({"count.py", "--show"}, {{"DISPLAY", ":7"}, {"PATH", bin.string() + ":/usr/bin:/bin"}});
  };
  const auto shown = viewer("cp \"$1\" seen.png\n");
  EXPECT_EQ(shown.code, 0) << shown.err;
  const cv::Mat seen = cv::imread((folder_ / "seen.png").string(), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(seen.size(), cv::Size(8 + 5 + 8 + 5 + 8, 4 + 16));
  EXPECT_EQ(seen.at<cv::Vec3b>(10, 8 + 5 + 8 + 2), cv::Vec3b(150, 150, 150));
  const auto failed = viewer("exit 3\n");
  EXPECT_EQ(failed.code, 1);
  EXPECT_THAT(failed.err, HasSubstr("xdg-open cannot open it"));
  fs::remove(bin / "xdg-open");
  const auto missing = tried({"count.py", "--show"}, {{"DISPLAY", ":7"}, {"PATH", bin.string()}});
  EXPECT_EQ(missing.code, 1);
}

TEST_F(TryFile, APluginStandsForItsOnlyTask) {
  const auto good = tried({RIDE_VIGNETTE, "--param", "strength=1"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("out: 5x4x1 8U"));
  EXPECT_THAT(tried({"none.so"}).err, HasSubstr("none.so"));
}

}  // namespace
}  // namespace ride::test
