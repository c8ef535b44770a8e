#include "worker/tasks/written_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/file_text.h"
#include "common/written_line.h"
#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;

class WrittenLogTest : public ::testing::Test {
 protected:
  void SetUp() override { keep_written_logs("the recipe"); }
  void TearDown() override { keep_written_logs(""); }

  Frame frame(const std::string& file) const {
    auto made = frame_of(noise(5, 7, CV_8UC3), 42);
    made.from = "blur";
    made.attributes = {{"source_file", file}, {"source_file_version", "10@20"}};
    return made;
  }
  Result<void> write(const Frame& frame, const ParamValues& more = {}) const {
    ParamValues params = more;
    params["path"] = folder_ / "out/{file}";
    const auto task = opened("write_images", params);
    KeepingEmitter out;
    auto done = task->process(frame, out);
    task->close();
    return done;
  }
  fs::path log() const {
    const auto env = env_for("write_images");
    return written_log_path(folder_ / "out/{file}", env.job, env.stage);
  }
  std::vector<WrittenLine> lines() const {
    std::vector<WrittenLine> all;
    std::ifstream in(log());
    for (std::string text; std::getline(in, text);)
      if (auto line = parse_written_line(text)) all.push_back(*line);
    return all;
  }

  TempFolder folder_;
};

TEST_F(WrittenLogTest, NotesDownWhatWasWrittenFromWhatAndHowItIsOnTheDisk) {
  ASSERT_TRUE(write(frame("day 1/p01.png")));
  const auto noted = lines();
  ASSERT_EQ(noted.size(), 1U);
  struct stat state {};
  const auto path = folder_ / "out/day 1/p01.png";
  ASSERT_EQ(::stat(path.c_str(), &state), 0);
  const auto ns = std::int64_t{state.st_mtim.tv_sec} * 1'000'000'000 + state.st_mtim.tv_nsec;
  EXPECT_EQ(noted[0], (WrittenLine{.recipe = "the recipe",
                                   .sink = env_for("write_images").stage,
                                   .from = "blur",
                                   .source = "gate",
                                   .file = "day 1/p01.png",
                                   .number = 42,
                                   .version = "10@20",
                                   .path = path,
                                   .written = std::to_string(state.st_size) + "@" + std::to_string(ns)}));
}

TEST_F(WrittenLogTest, IsAddedToByEachOwnerAndStandsBehindHalfALine) {
  ASSERT_TRUE(write(frame("p01.png")));
  std::ofstream(log(), std::ios::app) << "ride1\thalf a li";
  ASSERT_TRUE(write(frame("p02.png")));
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_EQ(lines()[1].file, "p02.png");
}

TEST_F(WrittenLogTest, KeepsNothingUnlessItWasAskedTo) {
  keep_written_logs("");
  ASSERT_TRUE(write(frame("p01.png")));
  EXPECT_EQ(folder_.files(), (std::vector<std::string>{"out/p01.png"}));
}

TEST_F(WrittenLogTest, KeepsNothingOfAFrameThatDoesNotSayWhichVersionOfAFileItIs) {
  for (const char* version : {"",
                              "longer than any version of ours, longer than any version of ours, longer than any "
                              "version of ours, longer than "
                              "any version of ours"}) {
    auto one = frame("p01.png");
    one.attributes["source_file_version"] = version;
    ASSERT_TRUE(write(one));
  }
  EXPECT_EQ(folder_.files(), (std::vector<std::string>{"out/p01.png"}));
}

TEST_F(WrittenLogTest, ALogThatCannotBeWrittenCostsNoPicture) {
  const auto elsewhere = folder_ / "elsewhere.txt";
  std::ofstream(elsewhere) << "mine";
  fs::create_directories(folder_ / "out");
  fs::create_symlink(elsewhere, log());
  ASSERT_TRUE(write(frame("p01.png")));
  EXPECT_TRUE(fs::exists(folder_ / "out/p01.png"));
  EXPECT_EQ(file_text(elsewhere), "mine") << "no link leads the log elsewhere";
}

TEST_F(WrittenLogTest, APictureThatWasThereWithTheSameBytesIsNotedDownToo) {
  ASSERT_TRUE(write(frame("p01.png")));
  fs::remove(log());
  ASSERT_TRUE(write(frame("p01.png"), {{"on_conflict", "fail"}}));
  EXPECT_EQ(lines().size(), 1U);
}

}  // namespace
}  // namespace ride::tasks
