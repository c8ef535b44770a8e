// Plug-ins by the real programs, as a person uses them: shown, checked, tried, tested, run on a broker of their own,
// and what each program says of one that it cannot take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
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

TEST_F(RidePlugins, WhatIsSavedIsWhatCameOut) {
  cv::imwrite((folder_ / "deep.png").string(), cv::Mat(4, 6, CV_16UC3, cv::Scalar(1000, 20000, 60000)));
  const auto saved = [&](const std::string& task, const std::string& file, std::vector<std::string> more = {},
                         const std::string& in = "deep.png") {
    std::vector<std::string> arguments = {"try", task, "--on", in, "--save", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ride(arguments);
  };
  for (const std::string file : {"x.jpg", "x.JpEg", "x.webp"}) {
    const auto lossy = saved("identity", file);
    EXPECT_EQ(lossy.code, 1) << file;
    EXPECT_THAT(lossy.err, HasSubstr("cannot hold a picture of 6x4x3 16U: name one of .png, .tif, .tiff")) << file;
    EXPECT_THAT(lossy.out, HasSubstr("out: 6x4x3 16U\n")) << "what came out is told";
    EXPECT_FALSE(fs::exists(folder_ / file));
  }
  EXPECT_EQ(saved("identity", "x.TIFF").code, 0);
  const cv::Mat deep = cv::imread((folder_ / "x.TIFF").string(), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(deep.type(), CV_16UC3);
  EXPECT_EQ(deep.at<cv::Vec3w>(3, 5), cv::Vec3w(1000, 20000, 60000));
  const auto unknown = saved("identity", "x.gif");
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("x.gif has no ending of a picture that can be written: .jpg, .png"),
                                 Not(HasSubstr("ms"))));
  picture();
  const auto four = saved("wrapped", "four.png", {"--param", "mode=four", "--plugin", plugin_at("wrapped")}, "in.png");
  EXPECT_EQ(four.code, 0) << four.err;
  const cv::Mat kept = cv::imread((folder_ / "four.png").string(), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(kept.type(), CV_8UC4) << four.out;
  EXPECT_EQ(kept.at<cv::Vec4b>(1, 2), cv::Vec4b(1, 2, 3, 4));
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
  EXPECT_THAT(refused({"faulty", "--on", in, "--param", "do=\xff"}, 2), HasSubstr("is not UTF-8"));
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
    EXPECT_THAT(result.err, AllOf(HasSubstr("fault_crash.so"), HasSubstr("crashed with signal 11"))) << name;
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
  const auto summary = nlohmann::json::parse(run.out, nullptr, false);
  ASSERT_TRUE(summary.is_object()) << run.out;
  EXPECT_EQ(summary.at("phase"), "completed");
  EXPECT_EQ(summary.at("stages").at(0).at("dead"), 4);
  EXPECT_THAT(summary.dump(), HasSubstr("out of luck"));
}

// Whoever waits judges by the topology as it is, with its plug-ins: what it allows to be dropped is no loss.
TEST_F(RidePlugins, WhoeverWaitsKnowsWhatTheTopologyAllows) {
  const auto plugin = plugin_at("contract_fault");
  const auto write = [&](const std::string& name, const std::string& source) {
    std::ofstream(folder_ / (name + ".yaml"))
        << "ride: v1\nname: " << name << "\nsources: { scene: { synthetic: { width: 60, height: 40" << source
        << " }, fps: 50 } }\nstages: [{ name: one, from: [scene], task: faulty, max_age: 1ms }]\n"
           "sinks: [{ name: bin, from: [one], task: discard }]\n";
    return name + ".yaml";
  };
  const auto base = write("base", ""), finite = write("finite", ", frames: 40"), endless = write("endless", "");
  RideProcess up({"up", base, "--http", "127.0.0.1:0", "--broker-port", "0", "--slots", "7", "--plugin", plugin},
                 {folder_.path(), {}});
  ASSERT_TRUE(up.wait_for_output("base running", seconds(240))) << up.out() << up.err();

  const auto waited = ride({"submit", finite, "--wait", "--plugin", plugin});
  EXPECT_EQ(waited.code, 0) << waited.out << waited.err;
  EXPECT_THAT(waited.err, Not(HasSubstr("not known here")));
  const auto unnamed = ride({"submit", finite});
  EXPECT_EQ(unnamed.code, 0) << unnamed.err;
  EXPECT_THAT(unnamed.err, HasSubstr("a plug-in that --plugin does not name here"));

  for (const bool named : {false, true}) {
    ASSERT_EQ(ride({"submit", endless, "--plugin", plugin}).code, 0);
    const auto deadline = std::chrono::steady_clock::now() + seconds(120);
    const auto dropped = [&] {
      const auto status = nlohmann::json::parse(ride({"status", "endless", "--json"}).out, nullptr, false);
      std::int64_t count = 0;
      if (status.is_object())
        for (const auto& stage : status.at("stages")) count += stage.value("dropped", 0);
      return count;
    };
    while (dropped() == 0 && std::chrono::steady_clock::now() < deadline) {
    }
    std::vector<std::string> drain = {"drain", "endless", "--wait"};
    if (named) drain.insert(drain.end(), {"--plugin", plugin});
    const auto drained = ride(drain);
    EXPECT_EQ(drained.code, named ? 0 : 1) << drained.out << drained.err;
    EXPECT_EQ(drained.err.find("name the plug-ins of its tasks with --plugin") == std::string::npos, named)
        << drained.err;
  }
  up.signal(SIGINT);
  up.wait(seconds(240));
}

// Ctrl-C is for whoever waits for a plug-in that hangs at loading, too.
TEST_F(RidePlugins, AHangAtLoadingCanBeInterrupted) {
  const auto hang = plugin_at("fault_hang");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"try", "flip", "--on", picture()}, {"test", example()}, {"run", example()}}) {
    auto command = arguments;
    command.insert(command.end(), {"--plugin", hang});
    RideProcess process(command, {folder_.path(), {}});
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (processes_with(hang).size() < 2 && std::chrono::steady_clock::now() < deadline) {
    }
    const auto asked = std::chrono::steady_clock::now();
    process.signal(SIGINT);
    EXPECT_EQ(process.wait(seconds(60)).code, 130) << arguments.front();
    EXPECT_LT(std::chrono::steady_clock::now() - asked, seconds(10)) << "the plug-in's own time is 20 s";
  }
}

TEST_F(RidePlugins, AFolderMayHaveAColonInItsName) {
  fs::create_directories(folder_ / "a:b");
  fs::copy_file(kVignette, folder_ / "a:b/vignette.so");
  fs::copy_file(RIDE_VIGNETTE_YAML, folder_ / "a:b/vignette.yaml");
  const auto tested = run_ride({"test", "vignette.yaml", "--plugin", "vignette.so"}, {folder_ / "a:b", {}});
  EXPECT_EQ(tested.code, 0) << tested.out << tested.err;
}

TEST_F(RidePlugins, RightsAreToldOfTopologiesThatNameThem) {
  const auto file = example();
  EXPECT_EQ(ride({"acls", file}).code, 2);
  const auto told = ride({"acls", file, "--plugin", kVignette});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("--add"));
}

TEST_F(RidePlugins, AFaultPlanRunsThroughThem) {
  std::ofstream(folder_ / "plan.yaml") << "ride_chaos: v1\nnodes: 1\nslots: 2\nfaults: [{ at: 1s, kill: worker }]\n";
  std::ofstream(folder_ / "live.yaml")
      << "ride: v1\nname: live\nsources: { scene: { synthetic: { width: 60, height: 40 }, fps: 20 } }\n"
         "stages: [{ name: one, from: [scene], task: vignette }]\n"
         "sinks: [{ name: bin, from: [one], task: discard }]\n";
  const auto run = ride({"chaos", "live.yaml", "--plan", "plan.yaml", "--plugin", kVignette});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
}

// A topology that names its plug-in needs no flag, on one machine either.
TEST_F(RidePlugins, ATopologyBringsItsOwn) {
  fs::create_directories(folder_ / "build");
  fs::copy_file(kVignette, folder_ / "build/vignette.so");
  fs::copy_file(RIDE_VIGNETTE_FOLDER "/job.yaml", folder_ / "job.yaml");
  for (const std::string command : {"validate", "plan", "graph", "test"}) {
    const auto said = ride({command, "job.yaml"});
    EXPECT_EQ(said.code, 0) << command << said.out << said.err;
  }
  const auto run = ride({"run", "job.yaml", "--json"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_TRUE(fs::exists(folder_ / "out/vignette-job/24.png")) << run.err;
  const auto twice = ride({"validate", "job.yaml", "--plugin", kVignette});
  EXPECT_EQ(twice.code, 2);
  EXPECT_THAT(twice.err, AllOf(HasSubstr("job.yaml:7:11"), HasSubstr("the name 'vignette' is that of a task")));
}

TEST_F(RidePlugins, OneThatATopologyNamesAndThatCannotBeTakenIsToldWithItsLine) {
  const auto said = [&](const std::string& file) {
    std::ofstream(folder_ / "t.yaml") << "ride: v1\nname: t\nplugins: [" + file +
                                             "]\nsources: { s: { synthetic: { width: 60, height: 40 }, fps: 5 } }\n"
                                             "stages: [{ name: one, from: [s], task: vignette }]\n"
                                             "sinks: [{ name: bin, from: [one], task: discard }]\n";
    const auto validated = ride({"validate", "t.yaml"});
    EXPECT_EQ(validated.code, 2) << validated.out;
    EXPECT_THAT(validated.err, AllOf(HasSubstr("t.yaml:3:11"), Not(HasSubstr("unknown task")))) << validated.err;
    return validated.err;
  };
  EXPECT_THAT(said("none.so"), HasSubstr("none.so: cannot be opened"));
  const auto submitted = ride({"submit", "t.yaml"});
  EXPECT_EQ(submitted.code, 2) << "no master is asked";
  EXPECT_THAT(submitted.err, HasSubstr("none.so: cannot be opened"));
  EXPECT_THAT(said("t.yaml"), HasSubstr("is no shared library (ELF)"));
  EXPECT_THAT(said(plugin_at("fault_crash")), HasSubstr("it crashed with signal 11"));
}

// What it was not given it does not allow; and a plug-in that was built anew is another version of the job.
TEST_F(RidePlugins, AnUpAllowsWhatItsOwnTopologyNames) {
  fs::create_directories(folder_ / "build");
  const auto build = [&](const std::string& version) {
    fs::copy_file(plugin_at(version), folder_ / "build/stamp.so", fs::copy_options::overwrite_existing);
  };
  const auto write = [&](const std::string& name, const std::string& plugin, const std::string& task) {
    std::ofstream(folder_ / (name + ".yaml"))
        << "ride: v1\nname: " + name + "\nplugins: [" + plugin +
               "]\nsources: { s: { synthetic: { width: 60, height: 40 }, fps: 20 } }\nstages: [{ name: one, from: [s], "
               "task: " +
               task + " }]\nsinks: [{ name: bin, from: [one], task: discard }]\n";
    return name + ".yaml";
  };
  build("stamp_1");
  const auto mine = write("mine", "build/stamp.so", "stamp");
  const std::vector<std::string> command = {"up", mine, "--http", "127.0.0.1:0", "--broker-port", "0", "--slots", "4"};
  {
    RideProcess up(command, {folder_.path(), {}});
    ASSERT_TRUE(up.wait_for_output("mine running", seconds(240))) << up.out() << up.err();
    const auto other = ride({"submit", write("other", kVignette, "vignette")});
    EXPECT_NE(other.code, 0);
    EXPECT_THAT(other.err, AllOf(HasSubstr("no node lets its workers load the plug-in 'vignette.so'"),
                                 HasSubstr("--allow-plugin sha256:")));
    const auto same = ride({"submit", write("again", "build/stamp.so", "stamp")});
    EXPECT_EQ(same.code, 0) << same.err;
    EXPECT_EQ(ride({"cancel", "again", "--wait"}).code, 0);
    up.signal(SIGINT);
    up.wait(seconds(240));
  }
  build("stamp_2");
  RideProcess up(command, {folder_.path(), {}});
  EXPECT_TRUE(up.wait_for_output("made from another version of mine.yaml", seconds(240))) << up.out() << up.err();
  EXPECT_TRUE(up.wait_for_output("submitted as run 2", seconds(240))) << up.out() << up.err();
  EXPECT_TRUE(up.wait_for_output("mine running", seconds(240))) << up.out() << up.err();
  up.signal(SIGINT);
  up.wait(seconds(240));
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
