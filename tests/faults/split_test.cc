// Pictures that are worked on in parts by several workers (decision 0037), while workers are killed and tiles crash
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "stream/core/frame_record.h"
#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class SplitTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run_ = std::make_unique<LocalRun>(bootstrap(), unique_name("split"));
  }
  std::string album(const std::string& name, const std::string& from) const {
    return "  - { name: " + name + ", from: [" + from +
           "], topic: { partitions: 1, keep: 10m }, task: write_images,\n" + "      params: { path: \"" +
           (run_->folder() / name).string() + "/{seq}.png\" } }\n";
  }
  std::map<std::string, std::string> pictures(const std::string& album) const {
    std::map<std::string, std::string> bytes;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(run_->folder() / album, none)) {
      std::ifstream file(entry.path(), std::ios::binary);
      bytes[entry.path().filename().string()].assign(std::istreambuf_iterator<char>(file), {});
    }
    return bytes;
  }
  // Ends the process that has the stage's partition 0.
  void kill_owner(const std::string& stage) const {
    const auto view = run_->stage("film", stage);
    ASSERT_TRUE(view.contains("partition_list")) << view;
    const auto owner = view["partition_list"][0]["worker"];
    const auto workers = run_->get("/workers");
    for (const auto& one : workers["workers"])
      if (one["id"] == owner) {
        ASSERT_EQ(::kill(one["pid"].get<pid_t>(), SIGKILL), 0);
        return;
      }
    FAIL() << "nobody has " << stage << ": " << workers;
  }
  void wait_for(const std::string& stage, int acked) const {
    ASSERT_TRUE(wait_until(90s, [&] { return run_->stage("film", stage).value("acked", 0) > acked; })) << run_->logs();
  }
  void wait_for_the_end() const {
    ASSERT_TRUE(wait_until(120s, [&] { return run_->phase("film") == "completed"; })) << run_->events() << run_->logs();
  }
  // What the ledger, which counts by its own rules, says of the job.
  void expect_nothing_lost_and_nothing_twice() const {
    const auto ledger = run_->ask_cluster({"ledger", "film"});
    EXPECT_EQ(ledger.code, 0) << ledger.text;
    EXPECT_THAT(ledger.text, HasSubstr("open 0, counted twice 0")) << ledger.text;
  }

  std::unique_ptr<LocalRun> run_;
};

TEST_F(SplitTest, KilledWorkersChangeNothingInThePicturesThatArePutTogether) {
  constexpr int kFrames = 120;
  run_->start_agent("n1", {"--slots", "9"});
  ASSERT_TRUE(run_->submit(
      "ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 320, height: 240, frames: " +
      std::to_string(kFrames) +
      " }, fps: 15 }\nstages:\n"
      "  - { name: plain, from: [scene], task: gaussian_blur, params: { ksize: 31 } }\n"
      "  - { name: cut, from: [scene], task: split, params: { tiles: 3x2 } }\n"
      "  - { name: blur, from: [cut], topic: { partitions: 4 }, task: gaussian_blur, params: { ksize: 31 },\n"
      "      group: { min: 2, max: 2, spares: 1 } }\n"
      "  - { name: join, from: [blur], topic: { partitions: 2 }, task: merge, group: { min: 1, max: 1, spares: 1 } }\n"
      "sinks:\n" +
      album("whole", "plain") + album("parts", "join")));
  wait_for("parts", 20);
  kill_owner("blur");
  wait_for("parts", 50);
  kill_owner("join");
  wait_for("parts", 70);
  kill_owner("cut");
  wait_for_the_end();
  const auto wanted = pictures("whole");
  EXPECT_EQ(wanted.size(), static_cast<std::size_t>(kFrames));
  EXPECT_TRUE(pictures("parts") == wanted) << pictures("parts").size() << " pictures";
  EXPECT_EQ(run_->stage("film", "parts")["acked"], kFrames);
  EXPECT_EQ(run_->stage("film", "join")["acked"], 4 * kFrames) << "each set of tiles";
  expect_nothing_lost_and_nothing_twice();
}

TEST_F(SplitTest, APictureWithATileThatCrashesItsTaskEndsAsIncompleteAndSaysWhichAndWhy) {
  constexpr int kFrames = 40;
  run_->start_agent("n1", {"--slots", "6"}, "crash=17");
  ASSERT_TRUE(run_->submit("ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: " +
                           std::to_string(kFrames) +
                           " }, fps: 20 }\nstages:\n"
                           "  - { name: cut, from: [scene], task: split, params: { stripes: 3 } }\n"
                           "  - { name: work, from: [cut], topic: { partitions: 2 }, task: identity,\n"
                           "      group: { min: 1, max: 1, spares: 1 } }\n"
                           "  - { name: join, from: [work], task: merge }\n"
                           "sinks:\n" +
                           album("parts", "join")));
  wait_for_the_end();
  EXPECT_EQ(pictures("parts").size(), static_cast<std::size_t>(kFrames - 1));
  EXPECT_EQ(pictures("parts").count("17.png"), 0U);
  EXPECT_EQ(run_->stage("film", "parts")["dead"], 1);
  std::vector<std::string> reasons;
  for (const auto& record : run_->records(run_->prefix() + ".film.1.parts")) {
    const auto header = stream::decode_header(record.headers);
    if (header.ok() && header->kind == stream::RecordKind::outcome) reasons.push_back(header->reason);
  }
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0], testing::StartsWith("incomplete: tile"));
  EXPECT_THAT(reasons[0], HasSubstr("of 3: dead: poison: signal 11 on "));
  expect_nothing_lost_and_nothing_twice();
}

TEST_F(SplitTest, ATileIsNotRunAgainWithoutItsPicture) {
  run_->start_agent("n1", {"--slots", "5"}, "error=7");
  ASSERT_TRUE(
      run_->submit("ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 20 }\n"
                   "stages:\n"
                   "  - { name: cut, from: [scene], task: split, params: { stripes: 2 } }\n"
                   "  - { name: work, from: [cut], topic: { partitions: 2 }, task: identity }\n"
                   "  - { name: join, from: [work], task: merge }\n"
                   "sinks:\n" +
                   album("parts", "join")));
  ASSERT_TRUE(wait_until(60s, [&] { return run_->stage("film", "parts").value("dead", 0) == 1; })) << run_->logs();
  const auto replayed = run_->ride({"dead", "replay", "film/work", "--all"});
  EXPECT_NE(replayed.code, 0);
  EXPECT_THAT(replayed.text, HasSubstr("is tile 1 of 2 of the picture scene/1/7, which ended as incomplete at the "
                                       "merge: a part of it alone leads to nothing. Send the whole picture again"));
  EXPECT_TRUE(run_->cancel("film"));
}

// A tile that does not come in time ends its picture; when it comes after all, it leads to nothing.
TEST_F(SplitTest, APictureWhoseTileDoesNotComeInTimeEndsAsIncompleteAndTheOthersAreWhole) {
  constexpr int kFrames = 120;
  run_->start_agent("n1", {"--slots", "7"}, "slow=30");
  ASSERT_TRUE(
      run_->submit("ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: " +
                   std::to_string(kFrames) +
                   " }, fps: 15 }\nstages:\n"
                   "  - { name: cut, from: [scene], task: split, params: { stripes: 2 } }\n"
                   "  - { name: work, from: [cut], topic: { partitions: 2 }, task: identity, frame_timeout: 60s,\n"
                   "      group: { min: 2, max: 2 } }\n"
                   "  - { name: join, from: [work], topic: { partitions: 1 }, task: merge,\n"
                   "      params: { timeout_ms: 2500 } }\n"
                   "sinks:\n" +
                   album("parts", "join")));
  wait_for_the_end();
  const auto whole = pictures("parts").size();
  EXPECT_EQ(pictures("parts").count("30.png"), 0U);
  std::vector<std::string> reasons;
  for (const auto& record : run_->records(run_->prefix() + ".film.1.parts")) {
    const auto header = stream::decode_header(record.headers);
    if (header.ok() && header->kind == stream::RecordKind::outcome) reasons.push_back(header->reason);
  }
  EXPECT_EQ(whole + reasons.size(), static_cast<std::size_t>(kFrames));
  ASSERT_FALSE(reasons.empty());
  for (const auto& reason : reasons) EXPECT_THAT(reason, HasSubstr("did not come within 2.5s"));
  EXPECT_GE(whole, 40U) << "those before it, and those that came when it was over";
  EXPECT_THAT(run_->events(), HasSubstr("incomplete: tile "));
  expect_nothing_lost_and_nothing_twice();
}

}  // namespace
}  // namespace ride::test
