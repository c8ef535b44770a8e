// Poison frames (decision 0007), end to end: the task crashes, hangs or grows on a marked frame. After two ends that
// frame lies in the dead topic, its neighbours are delivered, and the counters say what came of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "stream/core/dead_letter.h"
#include "tests/faults/local_run.h"
#include "tests/support/hostile_pictures.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int kFrames = 60;

class PoisonTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run_ = std::make_unique<LocalRun>(bootstrap(), unique_name("poison"));
  }

  void run_job(const std::string& fault, int number, const std::string& frame_timeout = "30s") {
    run_->start_agent("n1", {"--slots", "3", "--worker-memory", "700MiB"}, fault + "=" + std::to_string(number));
    ASSERT_TRUE(
        run_->submit("ride: v1\nname: film\nsources:\n"
                     "  scene: { synthetic: { width: 64, height: 48, frames: " +
                     std::to_string(kFrames) +
                     " }, fps: 60 }\n"
                     "stages:\n"
                     "  - { name: work, from: [scene], topic: { partitions: 2 }, task: identity, frame_timeout: " +
                     frame_timeout +
                     ",\n"
                     "      group: { min: 1, max: 1, spares: 1 } }\n"
                     "sinks:\n"
                     "  - { name: album, from: [work], task: write_images, params: { path: \"" +
                     (run_->folder() / "out").string() + "/{seq}.png\" } }\n"));
    ASSERT_TRUE(wait_until(90s, [&] { return run_->phase("film") == "completed"; })) << run_->events() << run_->logs();
  }

  std::set<int> pictures() const {
    std::set<int> numbers;
    for (const auto& entry : fs::directory_iterator(run_->folder() / "out"))
      numbers.insert(std::stoi(entry.path().stem().string()));
    return numbers;
  }

  // Each place once: a takeover may have written a copy twice.
  std::map<std::pair<int, std::int64_t>, stream::DeathNotice> dead() const {
    std::map<std::pair<int, std::int64_t>, stream::DeathNotice> dead;
    for (const auto& record : run_->records(run_->prefix() + ".film.1.work.dead")) {
      const auto notice = stream::decode_death(record.headers).value();
      const auto header = stream::decode_header(record.headers).value();
      EXPECT_EQ(header.id.number, marked_);
      dead[{notice.at.partition.value, notice.offset.value}] = notice;
    }
    return dead;
  }

  void expect_only_the_marked_one_is_dead(const std::string& reason) {
    std::set<int> expected;
    for (int n = 0; n < kFrames; ++n)
      if (n != marked_) expected.insert(n);
    EXPECT_EQ(pictures(), expected);
    const auto dead = this->dead();
    ASSERT_EQ(dead.size(), 1U) << run_->logs();
    const auto& notice = dead.begin()->second;
    EXPECT_EQ(notice.stage, "work");
    EXPECT_THAT(notice.reason, HasSubstr(reason));
    const auto stage = run_->stage("film", "work");
    EXPECT_EQ(stage["acked"], kFrames - 1) << stage;
    EXPECT_EQ(stage["dead"], 1) << stage;
  }

  std::unique_ptr<LocalRun> run_;
  int marked_ = 17;
};

TEST_F(PoisonTest, AFrameThatCrashesTheTaskIsDeadAfterTwoEnds) {
  run_job("crash", marked_);
  expect_only_the_marked_one_is_dead("poison: signal 11 on ");
  EXPECT_EQ(dead().begin()->second.attempts, 2);
  EXPECT_THAT(run_->events(), HasSubstr("frame_struck: "));
  EXPECT_THAT(run_->events(), HasSubstr("frame_condemned: frame scene/1/17"));
}

TEST_F(PoisonTest, AFrameThatHangsIsDeadAfterTwoEnds) {
  run_job("hang", marked_, "1s");
  expect_only_the_marked_one_is_dead("poison: it hung on ");
  EXPECT_THAT(run_->events(), HasSubstr("child_hangs: "));
}

TEST_F(PoisonTest, AFrameThatTakesAllMemoryIsDeadAfterTwoEnds) {
  run_job("memory", marked_, "10m");  // on a busy machine it takes long until all is taken
  expect_only_the_marked_one_is_dead("poison: it ran out of memory on ");
  EXPECT_THAT(run_->events(), HasSubstr("child_out_of_memory: "));
}

TEST_F(PoisonTest, AFileThatCrashesItsProducerIsLeftOutAfterTwoEndsAndOtherSourcesGoOn) {
  constexpr int kFiles = 30;
  const auto jpeg = progressive_jpeg(64);
  const auto poison = with_segment(jpeg, 0xFE, {'P', 'O', 'I', 'S', 'O', 'N'});
  for (const char* name : {"good", "bad"}) {
    fs::create_directories(run_->folder() / name);
    for (int i = 0; i < kFiles; ++i) {
      const bool marked = name == std::string("bad") && i == marked_;
      const auto& bytes = marked ? poison : jpeg;
      std::ofstream(run_->folder() / name / (std::to_string(100 + i) + ".jpg"), std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
  }
  run_->start_agent("n1", {"--slots", "2", "--producers", "1"}, "producer");
  const auto source = [&](const std::string& name) {
    return "  " + name + ": { directory: \"" + (run_->folder() / name).string() + "\", fps: 20 }\n";
  };
  ASSERT_TRUE(run_->submit("ride: v1\nname: film\nsources:\n" + source("good") + source("bad") +
                           "sinks:\n  - { name: album, from: [good, bad], task: write_images, params: { path: \"" +
                           (run_->folder() / "out").string() + "/{source}-{seq}.png\" } }\n"));
  ASSERT_TRUE(wait_until(120s, [&] { return run_->phase("film") == "completed"; })) << run_->events() << run_->logs();
  std::set<std::string> expected, found;
  for (int i = 0; i < kFiles; ++i) {
    expected.insert("good-" + std::to_string(i) + ".png");
    if (i != marked_) expected.insert("bad-" + std::to_string(i) + ".png");
  }
  for (const auto& entry : fs::directory_iterator(run_->folder() / "out"))
    found.insert(entry.path().filename().string());
  EXPECT_EQ(found, expected);
  EXPECT_THAT(run_->events(), HasSubstr("item_struck: "));
  EXPECT_THAT(run_->events(),
              HasSubstr("item_condemned: source bad: file " + (run_->folder() / "bad/117.jpg").string() +
                        " is left out after 2 ends: signal 11 on n1-p1#"));
  EXPECT_THAT(run_->events(), HasSubstr("ended its producer twice"));
}

TEST_F(PoisonTest, ATaskErrorIsDeadAtOnce) {
  run_job("error", marked_);
  expect_only_the_marked_one_is_dead("task_error: told to fail");
  EXPECT_EQ(dead().begin()->second.attempts, 1);
}

}  // namespace
}  // namespace ride::test
