// ride run --resume with real processes that are killed in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <thread>

#include "common/file_text.h"
#include "common/json.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using std::chrono::seconds;

constexpr int kPictures = 24;

struct OnDisk {
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const OnDisk&) const = default;
};
using Album = std::map<std::string, OnDisk>;

class ResumeRun : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(120))) << "processes are left behind";
  }

  RideOptions in(const std::string& place) const { return {folder_ / place, {{"TMPDIR", folder_.path().string()}}}; }
  // Pictures that differ, and a topology that takes its time over each.
  void prepare(const std::string& place, int pictures, int delay_ms, int ksize = 5) const {
    fs::create_directories(folder_ / place / "in");
    ASSERT_EQ(std::system(("ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=5 -frames:v " +
                           std::to_string(pictures) + " '" + (folder_ / place / "in/p%03d.jpg").string() + "'")
                              .c_str()),
              0);
    topology(place, delay_ms, ksize);
  }
  void topology(const std::string& place, int delay_ms, int ksize) const {
    std::ofstream(folder_ / place / "job.yaml")
        << "ride: v1\nname: small\nsources:\n  photos: { directory: in }\nstages:\n"
        << "  - { name: slow, from: [photos], task: delay, params: { ms: " << delay_ms << " } }\n"
        << "  - { name: blur, from: [slow], task: gaussian_blur, params: { ksize: " << ksize << " } }\n"
        << "sinks:\n  - { name: album, from: [blur], task: write_images, params: { path: \"out/{file}\" } }\n";
  }
  Album album(const std::string& place) const {
    Album all;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder_ / place / "out", failed)) {
      struct stat state {};
      const auto name = entry.path().filename().string();
      if (!name.starts_with('.') && ::stat(entry.path().c_str(), &state) == 0)
        all[name] = {state.st_ino, std::int64_t{state.st_mtim.tv_sec} * 1'000'000'000 + state.st_mtim.tv_nsec};
    }
    return all;
  }
  static std::int64_t unchanged(const Album& before, const Album& now) {
    std::int64_t count = 0;
    for (const auto& [name, disk] : before) count += now.contains(name) && now.at(name) == disk ? 1 : 0;
    return count;
  }
  Json run(const std::string& place, std::vector<std::string> more, int code = 0) const {
    std::vector<std::string> arguments = {"run", "job.yaml", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_ride(arguments, in(place), seconds(300));
    EXPECT_EQ(result.code, code) << result.out << result.err;
    auto summary = Json::parse(result.out, nullptr, false);
    EXPECT_TRUE(summary.is_object()) << result.out << result.err;
    return summary.is_object() ? summary : Json::object();
  }
  static std::int64_t frames(const Json& summary) { return summary["sources"][0]["frames"].get<std::int64_t>(); }

  TempFolder folder_{"resume-run"};
};

class KilledRun : public ResumeRun, public ::testing::WithParamInterface<bool> {};

TEST_P(KilledRun, GoesOnWithWhatIsMissingAndEndsAsIfNothingHadHappened) {
  prepare("whole", kPictures, 0);
  prepare("killed", kPictures, 200);
  run("whole", {});
  {
    RideProcess running({"run", "job.yaml"}, in("killed"));
    const auto deadline = std::chrono::steady_clock::now() + seconds(240);
    while (album("killed").size() < 6 && !running.ended() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_FALSE(running.ended()) << running.err();
    const bool all_of_it = GetParam();
    if (all_of_it)
      for (const pid_t pid : processes_with(folder_.path().string())) ::kill(pid, SIGKILL);
    else
      running.signal(SIGKILL);
    running.wait(seconds(60));
    ASSERT_TRUE(none_left_within(folder_.path().string(), seconds(120)));
  }
  const auto before = album("killed");
  ASSERT_GE(before.size(), 6U);
  ASSERT_LT(before.size(), std::size_t{kPictures}) << "it was to be broken off";
  const auto summary = run("killed", {"--resume"});
  const auto now = album("killed");
  ASSERT_EQ(now.size(), std::size_t{kPictures});
  for (const auto& [name, disk] : now)
    EXPECT_EQ(file_text(folder_ / "killed/out" / name), file_text(folder_ / "whole/out" / name)) << name;
  const auto done_before = summary["done_before"].get<std::int64_t>();
  // Up to four files are written at once, and each is noted down behind its rename.
  EXPECT_GE(done_before, 2) << "of six files that were there";
  EXPECT_EQ(unchanged(before, now), done_before) << "what is done is not written again, all else is";
  EXPECT_EQ(frames(summary), kPictures - done_before) << "what is done is not even read";
}

INSTANTIATE_TEST_SUITE_P(, KilledRun, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "WithAllItsProcesses" : "ItselfAlone"; });

TEST_F(ResumeRun, DoesAgainWhatHasChangedAndNothingElse) {
  prepare("a", 6, 0);
  std::ofstream(folder_ / "a/in/text.jpg") << "this is no picture";
  auto summary = run("a", {});
  EXPECT_EQ(frames(summary), 6);
  ASSERT_EQ(summary["left_out"].size(), 1U);
  EXPECT_THAT(summary["left_out"][0].get<std::string>(), HasSubstr("text.jpg is a text file"));
  auto before = album("a");
  ASSERT_EQ(before.size(), 6U);

  // The broken one is looked at again, the others are not, and the summary says all of it.
  auto result = run_ride({"run", "job.yaml", "--resume"}, in("a"), seconds(300));
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("pictures: 0 done, 6 done already, 1 broken"));
  EXPECT_THAT(result.out, HasSubstr("text.jpg is a text file"));
  EXPECT_EQ(unchanged(before, album("a")), 6);

  fs::copy_file(folder_ / "a/in/p001.jpg", folder_ / "a/in/p003.jpg", fs::copy_options::overwrite_existing);
  fs::remove(folder_ / "a/in/text.jpg");
  summary = run("a", {"--resume"});
  EXPECT_EQ(frames(summary), 1);
  EXPECT_EQ(summary["done_before"], 5);
  auto now = album("a");
  EXPECT_EQ(unchanged(before, now), 5);
  EXPECT_NE(now.at("p003.jpg"), before.at("p003.jpg"));
  EXPECT_EQ(file_text(folder_ / "a/out/p003.jpg"), file_text(folder_ / "a/out/p001.jpg"));

  topology("a", 0, 7);
  before = now;
  result = run_ride({"run", "job.yaml", "--resume"}, in("a"), seconds(300));
  EXPECT_THAT(result.err, HasSubstr("6 pictures were written by another version of job.yaml and are done again"));
  EXPECT_THAT(result.out, HasSubstr("pictures: 6 done, 0 done already, 0 broken"));
  now = album("a");
  EXPECT_EQ(unchanged(before, now), 0);

  topology("a", 0, 9);
  result = run_ride({"run", "job.yaml", "--resume-changed"}, in("a"), seconds(60));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "all 6 pictures are done already\n") << "nothing is started for it";
  EXPECT_EQ(unchanged(now, album("a")), 6);
}

TEST_F(ResumeRun, WhatCannotBeResumedIsRefusedBeforeAnythingStarts) {
  std::ofstream(folder_ / "job.yaml")
      << "ride: v1\nname: small\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: 3 } }\n"
      << "sinks:\n  - { name: album, from: [scene], task: write_images, params: { path: \"out/{seq}.jpg\" } }\n";
  const auto result = run_ride({"run", "job.yaml", "--resume"}, in("."), seconds(60));
  EXPECT_EQ(result.code, 2) << result.out << result.err;
  EXPECT_THAT(result.err, HasSubstr("source 'scene': it is no folder of pictures"));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace ride::test
