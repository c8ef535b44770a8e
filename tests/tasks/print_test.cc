#include <gtest/gtest.h>

#include <fstream>

#include "common/json.h"
#include "tests/tasks/faults.h"
#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

using nlohmann::json;

std::string text_of(const std::string& path) {
  const auto bytes = bytes_of(path);
  return {bytes.begin(), bytes.end()};
}

void print(const ParamValues& params, const Frame& frame) {
  KeepingEmitter out;
  const auto done = opened("print", params)->process(frame, out);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_TRUE(out.frames.empty());
}

TEST(Print, WritesOneLineForEachFrameToStandardOutput) {
  testing::internal::CaptureStdout();
  print({}, frame_of(noise(5, 7, CV_8UC3), 42));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "gate/3/42 2026-11-21T08:00:04.200000Z 7x5x3 8U camera=north\n");
}

TEST(Print, AppendsJsonObjectsToAFile) {
  TempFolder folder;
  const ParamValues params = {{"path", folder / "logs/{job}-{stage}.jsonl"}, {"format", std::string("json")}};
  Frame frame = frame_of(noise(5, 7, CV_16UC1), 1);
  frame.attributes["detections"] = R"([{"box":[1,2,3,4]}])";
  frame.attributes["broken"] = "[1";
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');  // takes stack for each level
  frame.attributes["deep"] = deep;
  print(params, frame);
  print(params, frame_of(noise(5, 7, CV_8UC3), 2));
  std::ifstream file(folder / "logs/street-album.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  const json first = json::parse(line);
  EXPECT_EQ(first["id"], "gate/3/1");
  EXPECT_EQ(first["number"], 1);
  EXPECT_EQ(first["depth"], "16U");
  EXPECT_EQ(first["width"], 7);
  EXPECT_EQ(first["attributes"]["detections"][0]["box"][3], 4);
  EXPECT_EQ(first["attributes"]["broken"], "[1");
  EXPECT_EQ(first["attributes"]["deep"], deep);
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(json::parse(line)["number"], 2);
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Print, NamesFromOutsideCannotBreakTheLineOrReachTheTerminal) {
  TempFolder folder;
  for (const char* format : {"text", "json"}) {
    const std::string path = folder / format;
    print({{"path", path}, {"format", std::string(format)}}, frame_of(noise(1, 1, CV_8UC1), 0, "a\n\x1b[2Jb\xff"));
    const std::string text = text_of(path);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
}

TEST(Print, AFullDiskIsAnErrorAndNoHalfLineStays) {
  TempFolder folder;
  const ParamValues params = {{"path", folder / "log"}};
  auto task = opened("print", params);
  KeepingEmitter out;
  const Frame frame = frame_of(noise(5, 7, CV_8UC3));
  ASSERT_TRUE(task->process(frame, out));
  const std::string before = text_of(folder / "log");
  {
    const FileSizeLimit limit(before.size() + 10);
    const auto done = task->process(frame, out);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().retriable);
    EXPECT_NE(done.error().message.find("cannot write '" + (folder / "log")), std::string::npos)
        << done.error().message;
  }
  EXPECT_EQ(text_of(folder / "log"), before);
  ASSERT_TRUE(task->process(frame, out));
  EXPECT_EQ(text_of(folder / "log"), before + before);
}

TEST(Print, ADeviceWithoutRoomIsNamed) {
  auto task = opened("print", {{"path", std::string("/dev/full")}});
  KeepingEmitter out;
  const auto done = task->process(frame_of(noise(1, 1, CV_8UC1)), out);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("cannot write '/dev/full': No space left on device"), std::string::npos)
      << done.error().message;
}

TEST(Print, APathThatCannotBeOpenedIsAnErrorAtOnce) {
  const auto done = try_open("print", {{"path", std::string("/dev/null/x")}});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("/dev/null"), std::string::npos) << done.error().message;
}

}  // namespace
}  // namespace ride::tasks
