// A task is saved while `ride up` runs it: each frame of a numbered source is counted once, before by the old version
// and after by the new one; a version that does not start is told, and changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <thread>

#include "common/json.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
using std::chrono::seconds;

constexpr seconds kStart{240}, kEnd{240};

class RideReload : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(120))) << "processes are left behind";
  }
  // Debian's Python has numpy.
  RideOptions options() const {
    return {folder_.path(),
            {{"TMPDIR", folder_.path().string()}, {"PATH", "/usr/bin:/bin"}, {"RIDE_ARTIFACTS", folder_ / "cache"}}};
  }
  std::vector<std::string> up(std::initializer_list<std::string> more = {}) const {
    std::vector<std::string> arguments = {"up", "job.yaml", "--http", "127.0.0.1:0", "--broker-port", "0"};
    arguments.insert(arguments.end(), more);
    return arguments;
  }
  // In place, as the slowest editor does.
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  static std::string script(int version) {
    return "class Mark:\n    def process(self, frame, out):\n        out.emit(frame, attributes={\"version\": " +
           std::to_string(version) + "})\n";
  }
  // Frames until the job is drained, whatever the machine is busy with.
  void job(const std::string& stage, int frames = 1'000'000, const std::string& group = "{ min: 1, max: 1 }") {
    write("job.yaml", "ride: v1\nname: numbered\nsources: { scene: { synthetic: { width: 32, height: 24, frames: " +
                          std::to_string(frames) + " }, fps: 50 } }\nstages:\n  - { name: mark, from: [scene], " +
                          stage + ", group: " + group +
                          " }\nsinks: [{ name: lines, from: [mark], task: print, params: { path: out.jsonl, format: "
                          "json } }]\n");
  }
  struct Line {
    int number = 0, version = 0;
  };
  std::vector<Line> lines() const {
    std::vector<Line> all;
    std::ifstream in(folder_ / "out.jsonl");
    for (std::string text; std::getline(in, text);) {
      const auto line = Json::parse(text, nullptr, false);
      if (line.is_discarded()) continue;  // being written
      const auto& attributes = line.at("attributes");
      all.push_back({line.at("number").get<int>(), attributes.contains("version")
                                                       ? std::stoi(attributes.at("version").get<std::string>())
                                                       : line.at("width").get<int>()});
    }
    return all;
  }
  bool wait_for_lines(std::size_t count, int version) {
    for (int i = 0; i < 1200; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(100))) {
      const auto all = lines();
      if (static_cast<std::size_t>(std::count_if(all.begin(), all.end(),
                                                 [&](const Line& line) { return line.version == version; })) >= count)
        return true;
    }
    return false;
  }
  // The job's end: what was sent goes through, and no more is.
  void drain_and_end(RideProcess& up_process) {
    const auto drained = run_ride({"drain", "numbered"}, options());
    EXPECT_EQ(drained.code, 0) << drained.out << drained.err;
    const auto result = up_process.wait(kEnd);
    EXPECT_EQ(result.code, 0) << result.out << result.err;
  }
  // Each number once, from 0 on; the versions one after the other, each at least once.
  static void expect_once_in_order(std::vector<Line> all, const std::vector<int>& versions) {
    std::vector<int> seen, numbers;
    std::sort(all.begin(), all.end(), [](const Line& a, const Line& b) { return a.number < b.number; });
    for (const auto& line : all) {
      numbers.push_back(line.number);
      if (seen.empty() || seen.back() != line.version) seen.push_back(line.version);
    }
    std::vector<int> wanted(numbers.size());
    std::iota(wanted.begin(), wanted.end(), 0);
    EXPECT_EQ(numbers, wanted) << "lost or twice";
    EXPECT_EQ(seen, versions);
  }

  TempFolder folder_{"reload"};
};

TEST_F(RideReload, APythonFileThatIsSavedRunsFromTheNextFrameOnAndNoFrameIsLostOrTwice) {
  write("mark.py", script(1));
  job("topic: { partitions: 1 }, task: python, params: { file: mark.py }");
  RideProcess up_process(up(), options());
  ASSERT_TRUE(wait_for_lines(50, 1)) << up_process.out() << up_process.err();
  write("mark.py", script(2));
  ASSERT_TRUE(up_process.wait_for_output("mark.py has changed: version 2 runs since ", kStart))
      << up_process.out() << up_process.err();
  ASSERT_TRUE(wait_for_lines(50, 2)) << up_process.out() << up_process.err();
  write("mark.py", script(3));
  ASSERT_TRUE(up_process.wait_for_output("mark.py has changed: version 3 runs since ", kStart));
  ASSERT_TRUE(wait_for_lines(1, 3));
  drain_and_end(up_process);
  expect_once_in_order(lines(), {1, 2, 3});
}

TEST_F(RideReload, AVersionThatDoesNotStartIsToldAndTheOneBeforeGoesOn) {
  write("mark.py", script(1));
  job("topic: { partitions: 1 }, task: python, params: { file: mark.py }");
  RideProcess up_process(up(), options());
  ASSERT_TRUE(wait_for_lines(20, 1)) << up_process.out() << up_process.err();
  write("mark.py", "class Mark:\n    def process(self, frame, out)\n        pass\n");
  ASSERT_TRUE(up_process.wait_for_output("mark.py has changed, and is not brought in: ", kStart));
  EXPECT_THAT(up_process.out(),
              AllOf(HasSubstr("mark.py:2"), HasSubstr("SyntaxError"), HasSubstr("Version 1 goes on")));
  write("mark.py",
        "class Mark:\n    def open(self):\n        raise ValueError('no lamp')\n    def process(self, frame, "
        "out):\n        pass\n");
  ASSERT_TRUE(up_process.wait_for_output("no lamp", kStart));
  write("mark.py", script(1));  // mended: what runs
  fs::rename(folder_ / "mark.py", folder_ / "elsewhere.py");
  drain_and_end(up_process);
  EXPECT_THAT(up_process.out(), Not(HasSubstr("version 2")));
  expect_once_in_order(lines(), {1});
}

TEST_F(RideReload, WhatWasSavedBetweenTwoUpsIsBroughtInByTheNext) {
  write("mark.py", script(1));
  job("topic: { partitions: 1 }, task: python, params: { file: mark.py }");
  RideProcess first(up(), options());
  ASSERT_TRUE(wait_for_lines(20, 1)) << first.out() << first.err();
  write("mark.py", script(2));
  ASSERT_TRUE(wait_for_lines(20, 2)) << first.out() << first.err();
  first.signal(SIGINT);
  EXPECT_EQ(first.wait(kEnd).code, 130);
  write("mark.py", script(3));
  RideProcess second(up(), options());
  ASSERT_TRUE(second.wait_for_output("mark.py has changed: version 2 runs since ", kStart)) << second.out();
  ASSERT_TRUE(wait_for_lines(1, 3));
  drain_and_end(second);
  expect_once_in_order(lines(), {1, 2, 3});
}

TEST_F(RideReload, SeveralWorkersChangeTogether) {
  write("mark.py", script(1));
  job("topic: { partitions: 4 }, task: python, params: { file: mark.py }", 1'000'000, "{ min: 2, max: 2 }");
  RideProcess up_process(up(), options());
  ASSERT_TRUE(wait_for_lines(50, 1)) << up_process.out() << up_process.err();
  write("mark.py", script(2));
  ASSERT_TRUE(up_process.wait_for_output("mark.py has changed: version 2 runs since ", kStart));
  ASSERT_TRUE(wait_for_lines(50, 2));
  drain_and_end(up_process);
  const auto all = lines();
  EXPECT_EQ(all.back().version, 2);
  std::vector<int> numbers;
  for (const auto& line : all) numbers.push_back(line.number);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end()) << "twice";
  EXPECT_EQ(numbers.back() + 1, static_cast<int>(numbers.size())) << "lost";
}

TEST_F(RideReload, AFileIsLeftAloneWhereThatIsAskedFor) {
  write("mark.py", script(1));
  job("topic: { partitions: 1 }, task: python, params: { file: mark.py }", 200);
  RideProcess up_process(up({"--no-reload"}), options());
  ASSERT_TRUE(wait_for_lines(20, 1)) << up_process.out() << up_process.err();
  write("mark.py", script(2));
  const auto result = up_process.wait(kEnd);
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  expect_once_in_order(lines(), {1});
}

// The version is the width of the picture that comes out: plug-ins write no attributes.
class RideReloadPlugin : public RideReload {
 protected:
  void build(int version, const std::string& more = "") {
    write("wide.cc",
          "#include <ride/task.h>\nstruct Wide : ride::sdk::Task {\n  static ride::sdk::Declaration declaration() "
          "{ return {.name = \"wide\", .doc = \"Wide." +
              more +
              "\", .params = {}}; }\n  void open(const "
              "ride::sdk::Env&) override {}\n  void process(const ride::sdk::Frame& f, ride::sdk::Output& out) "
              "override {\n    auto p = out.allocate(1, " +
              std::to_string(version) +
              ", 1, ride::sdk::Depth::u8);\n    for (int i = 0; i < p.cols; ++i) p.data[i] = 0;\n    "
              "out.emit(p);\n    (void)f;\n  }\n};\nRIDE_PLUGIN(Wide)\n");
    const auto command = std::string("g++ -std=c++20 -shared -fPIC -I " RIDE_SDK_INCLUDE " -o ") +
                         (folder_ / ("v" + std::to_string(version))).string() + " " + (folder_ / "wide.cc").string() +
                         " 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  // Into the file that was loaded.
  void place(int version) {
    std::ifstream in(folder_ / ("v" + std::to_string(version)), std::ios::binary);
    std::ofstream(folder_ / "wide.so", std::ios::binary) << in.rdbuf();
  }
};

TEST_F(RideReloadPlugin, APluginThatIsBuiltAnewIsLoadedByNewWorkers) {
  build(1);
  build(2, " With more words.");
  build(3);
  place(1);
  job("topic: { partitions: 1 }, task: wide");
  RideProcess up_process(up({"--plugin", "wide.so"}), options());
  ASSERT_TRUE(wait_for_lines(50, 1)) << up_process.out() << up_process.err();
  write("wide.so", "no library at all, and long enough to be looked at as one by whoever does not look at it closely");
  ASSERT_TRUE(up_process.wait_for_output("wide.so has changed, and is not brought in: ", kStart)) << up_process.out();
  place(2);
  ASSERT_TRUE(up_process.wait_for_output("declares other tasks or parameters", kStart)) << up_process.out();
  place(3);
  ASSERT_TRUE(up_process.wait_for_output("wide.so has changed: version 2 runs since ", kStart)) << up_process.out();
  ASSERT_TRUE(wait_for_lines(1, 3));
  drain_and_end(up_process);
  expect_once_in_order(lines(), {1, 3});
}

}  // namespace
}  // namespace ride::test
