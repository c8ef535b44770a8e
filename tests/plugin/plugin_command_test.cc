// Plug-ins by the real programs, as a person uses them: shown, checked, tried, tested, run on a broker of their own,
// and what each program says of one that it cannot take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "common/json.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kVignette = RIDE_VIGNETTE;
std::string plugin_at(const std::string& name) { return std::string(RIDE_PLUGINS) + "/" + name + ".so"; }

class RidePlugins : public ::testing::Test {
 protected:
  RideResult ride(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment = {}) {
    return run_ride(arguments, {folder_.path(), std::move(environment)}, seconds(300));
  }
  RideResult program(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), (fs::path(RIDE_PROGRAM).parent_path() / name).string());
    RideProcess process(arguments, {folder_.path(), {}}, false);
    return process.wait(seconds(120));
  }
  void TearDown() override { EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(60))); }
  std::string example() {
    fs::copy_file(RIDE_VIGNETTE_YAML, folder_ / "vignette.yaml", fs::copy_options::overwrite_existing);
    return "vignette.yaml";
  }
  std::string topology(const std::string& task, const std::string& params, const std::string& test) {
    std::ofstream(folder_ / "t.yaml")
        << "ride: v1\nname: tried\nsources: { scene: { synthetic: { width: 60, height: 40, "
           "frames: 4 }, fps: 50 } }\nstages: [{ name: one, from: [scene], task: "
        << task << ", params: { " << params
        << " } }]\nsinks: [{ name: bin, from: [one], task: discard }]\ntests:\n  - { name: t, " << test << " }\n";
    return "t.yaml";
  }
  std::string picture() {
    cv::imwrite((folder_ / "in.png").string(), cv::Mat(40, 60, CV_8UC3, cv::Scalar(100, 150, 200)));
    return "in.png";
  }

  TempFolder folder_{"plugins"};
};

TEST_F(RidePlugins, TheirTasksAreShownAsBuiltInOnes) {
  const auto shown = ride({"tasks", "vignette", "--plugin", kVignette});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("strength  number, default 0.5; 0 to 1"), HasSubstr("task: vignette")));
  EXPECT_THAT(ride({"tasks"}).out, Not(HasSubstr("vignette"))) << "none is loaded by default";
  EXPECT_THAT(ride({"tasks"}, {{"RIDE_PLUGIN", kVignette + ":" + plugin_at("wrapped")}}).out,
              AllOf(HasSubstr("\nvignette "), HasSubstr("\nwrapped "), HasSubstr("\ngaussian_blur ")));
  EXPECT_THAT(ride({"schema", "--plugin", kVignette}).out, HasSubstr("\"vignette\""));
  const auto described = program("ride-worker", {"--describe-plugin", kVignette});
  EXPECT_EQ(described.code, 0) << described.err;
  EXPECT_EQ(nlohmann::json::parse(described.out).at("tasks").at(0).at("name"), "vignette");
}

TEST_F(RidePlugins, TopologiesThatNameThemAreCheckedAndTheirTestsRun) {
  const auto file = example();
  const auto unknown = ride({"validate", file});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("unknown task 'vignette'"));
  const auto valid = ride({"validate", file, "--plugin", kVignette});
  EXPECT_EQ(valid.code, 0) << valid.err;
  const auto tested = ride({"test", file, "--plugin", kVignette});
  EXPECT_EQ(tested.code, 0) << tested.out << tested.err;
  EXPECT_THAT(tested.out, HasSubstr("1 ok"));
  const auto wrong = ride(
      {"validate", topology("vignette", "strength: 7", "input: {}, expect: { frames: 1 }"), "--plugin", kVignette});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("parameter 'strength' is 7, but from 0 to 1"));
  EXPECT_EQ(ride({"plan", file, "--plugin", kVignette}).code, 0);
}

TEST_F(RidePlugins, ATaskWithAHaloStandsBetweenSplitAndMerge) {
  const auto tested = [&](const std::string& stages) {
    std::ofstream(folder_ / "split.yaml")
        << "ride: v1\nname: tiles\nsources: { scene: { synthetic: { width: 60, height: 40, frames: 4 }, fps: 50 } }\n"
           "stages:\n" +
               stages +
               "sinks: [{ name: bin, from: [whole], task: discard }]\n"
               "tests: [{ name: t, input: { frame: 1 }, expect: { sha256: new } }]\n";
    return nlohmann::json::parse(ride({"test", "split.yaml", "--plugin", plugin_at("wrapped"), "--json"}).out);
  };
  const auto whole = tested("  - { name: whole, from: [scene], task: shifted, params: { rows: 5 } }\n");
  const auto parts = tested(
      "  - { name: cut, from: [scene], task: split, params: { stripes: 3 } }\n"
      "  - { name: one, from: [cut], task: shifted, params: { rows: 5 } }\n"
      "  - { name: whole, from: [one], task: merge }\n");
  EXPECT_EQ(parts.at("tests").at(0).at("sha256"), whole.at("tests").at(0).at("sha256")) << parts << whole;
  EXPECT_EQ(whole.at("tests").at(0).at("sha256").get<std::string>().size(), 64U);
}

TEST_F(RidePlugins, WhatATaskDoesWrongFailsItsTestAlone) {
  const auto run = [&](const std::string& act, const std::string& test) {
    const auto result =
        ride({"test", topology("faulty", "do: '" + act + "'", test), "--plugin", plugin_at("contract_fault")});
    return std::to_string(result.code) + " " + result.out + result.err;
  };
  EXPECT_THAT(run("pass", "input: {}, expect: { frames: 1 }"), HasSubstr("1 ok"));
  EXPECT_THAT(run("throw", "input: {}, expect: { outcome: dead, reason: out of luck }"), HasSubstr("1 ok"));
  EXPECT_THAT(run("emit to a wrong port", "input: {}, expect: { outcome: dead, reason: sidee }"), HasSubstr("1 ok"));
  EXPECT_THAT(run("open: throw", "input: {}, expect: { frames: 1 }"),
              AllOf(HasSubstr("1 failed"), HasSubstr("cannot be opened: an exception left the plug-in in open"),
                    HasSubstr("no camera")));
  EXPECT_THAT(run("open: crash", "input: {}, expect: { frames: 1 }"),
              AllOf(HasSubstr("1 failed"), HasSubstr("it crashed with signal 11")));
  EXPECT_THAT(run("crash", "input: {}, expect: { frames: 1 }"), HasSubstr("it crashed with signal 11"));
}

TEST_F(RidePlugins, OnePictureIsTried) {
  const auto in = picture();
  const auto good = ride({"try", "vignette", "--plugin", kVignette, "--on", in, "--param", "strength=1", "--param",
                          "radius=0", "--save", "out.png"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("vignette on in.png (60x40x3 8U): "), HasSubstr(" ms, peak memory"),
                              HasSubstr("out: 60x40x3 8U, saved as out.png")));
  const cv::Mat out = cv::imread((folder_ / "out.png").string(), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(out.size(), cv::Size(60, 40));
  EXPECT_EQ(out.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 0)) << "the corner";
  EXPECT_NEAR(out.at<cv::Vec3b>(20, 30)[2], 200, 1) << "the middle";

  const auto both = ride({"try", "faulty", "--plugin", plugin_at("contract_fault"), "--on", in, "--param",
                          "do=emit on both", "--save", "deep/b.png", "--json"});
  EXPECT_EQ(both.code, 0) << both.err;
  const auto report = nlohmann::json::parse(both.out);
  ASSERT_EQ(report.at("frames").size(), 2U);
  EXPECT_EQ(report.at("frames")[0].at("port"), "side");
  EXPECT_EQ(report.at("frames")[0].at("file"), "deep/b.side.png");
  EXPECT_TRUE(fs::exists(folder_ / "deep/b.png"));
  EXPECT_GT(report.at("peak_bytes").get<std::int64_t>(), 1 << 20);
}

TEST_F(RidePlugins, ATryThatCannotBeIsExplained) {
  const auto in = picture();
  const auto refused = [&](std::vector<std::string> arguments, int code) {
    arguments.insert(arguments.begin(), "try");
    arguments.insert(arguments.end(), {"--plugin", plugin_at("contract_fault")});
    const auto result = ride(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    return result.err;
  };
  EXPECT_THAT(refused({"gaussan_blur", "--on", in}, 2), HasSubstr("did you mean 'gaussian_blur'?"));
  EXPECT_THAT(refused({"gaussian_blur", "--on", in, "--param", "ksize"}, 2), HasSubstr("is not NAME=VALUE"));
  EXPECT_THAT(refused({"gaussian_blur", "--on", in, "--param", "ksiz=3"}, 2), HasSubstr("did you mean 'ksize'?"));
  EXPECT_THAT(refused({"gaussian_blur", "--on", in, "--param", "ksize=4"}, 2), HasSubstr("odd"));
  EXPECT_THAT(refused({"gaussian_blur", "--on", in, "--param", "ksize=3", "--param", "ksize=5"}, 2),
              HasSubstr("twice"));
  EXPECT_THAT(refused({"flip", "--on", "none.png"}, 1), HasSubstr("none.png: cannot be opened"));
  EXPECT_THAT(refused({"discard", "--on", in}, 1), HasSubstr("is a sink"));
  EXPECT_THAT(refused({"faulty", "--on", in, "--param", "do=throw"}, 1), HasSubstr("out of luck"));
  EXPECT_THAT(refused({"faulty", "--on", in, "--param", "do=crash"}, 1), HasSubstr("crashed with signal 11"));
  EXPECT_THAT(refused({"faulty", "--on", in, "--param", "do=retry"}, 1), HasSubstr("a worker would try again"));
}

TEST_F(RidePlugins, EachProgramSaysWhichPluginItCannotTake) {
  const auto crash = plugin_at("fault_crash"), version = plugin_at("fault_other_version");
  for (const char* name : {"ride-master", "ride-agent"}) {
    const auto result = program(name, {"--plugin", crash});
    EXPECT_EQ(result.code, 2) << name;
    EXPECT_THAT(result.err, AllOf(HasSubstr("fault_crash.so"), HasSubstr("crashes with signal 11"))) << name;
  }
  for (const char* name : {"ride-master", "ride-agent", "ride-worker"}) {
    const auto result = program(name, {"--plugin", version});
    EXPECT_EQ(result.code, 2) << name;
    EXPECT_THAT(result.err, HasSubstr("was built for version 77")) << name;
  }
  const auto run = ride({"run", example(), "--plugin", version});
  EXPECT_THAT(run.err, HasSubstr("was built for version 77"));
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(ride({"tasks", "--plugin", "none.so"}).err, HasSubstr("none.so: cannot be opened"));
}

TEST_F(RidePlugins, AJobRunsThroughThem) {
  const auto run = ride({"run", example(), "--plugin", kVignette});
  ASSERT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("completed"));
  int pictures = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out"))
    pictures += entry.path().extension() == ".png";
  EXPECT_EQ(pictures, 25);
}

// Of a plug-in that spoils one frame after the other: each is dead with the reason, and the job goes on to its end.
TEST_F(RidePlugins, FramesThatATaskCannotTakeAreDeadAndTheJobEnds) {
  const auto run = ride({"run", topology("faulty", "do: throw", "input: {}, expect: { frames: 1 }"), "--plugin",
                         plugin_at("contract_fault"), "--json"});
  EXPECT_EQ(run.code, 1) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("\"dead\"")) << run.err;
}

// With the SDK alone: its package is installed, the example is built with it, and what was built is loaded.
TEST_F(RidePlugins, AnInstalledSdkBuildsThem) {
  const auto sdk = (folder_ / "sdk").string(), source = (folder_ / "vignette").string(),
             log = (folder_ / "log").string();
  fs::copy(RIDE_VIGNETTE_FOLDER, source, fs::copy_options::recursive);
  const std::string cmake = RIDE_CMAKE;
  const std::string command = cmake + " --install " + RIDE_BUILD_FOLDER + " --component sdk --prefix " + sdk + " && " +
                              cmake + " -S " + source + " -B " + source + "/build -DCMAKE_PREFIX_PATH=" + sdk + " && " +
                              cmake + " --build " + source + "/build";
  const auto built = std::system(("(" + command + ") > " + log + " 2>&1").c_str());
  std::ifstream said(log);
  ASSERT_EQ(built, 0) << std::string(std::istreambuf_iterator<char>(said), {});
  const auto shown = ride({"tasks", "vignette", "--plugin", "vignette/build/vignette.so"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("strength"));
}

}  // namespace
}  // namespace ride::test
