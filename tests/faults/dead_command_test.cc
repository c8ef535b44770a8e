// ride dead, on a job that runs: a frame that its task refuses is listed, shown, and replayed once the task is fixed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using namespace std::chrono_literals;

class DeadCommand : public KafkaTest {};

TEST_F(DeadCommand, ListsShowsAndReplaysAFrame) {
  LocalRun run(bootstrap(), unique_name("dead"));
  run.start_agent("n1", {"--slots", "2"}, "error=17");
  ASSERT_TRUE(
      run.submit("ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 30 }\n"
                 "stages:\n  - { name: work, from: [scene], topic: { partitions: 2 }, task: identity }\n"
                 "sinks:\n  - { name: album, from: [work], task: write_images, params: { path: \"" +
                 (run.folder() / "out").string() + "/{seq:08}.png\" } }\n"));
  const auto picture = [&](int number) { return run.folder() / "out" / ("0000000" + std::to_string(number) + ".png"); };
  const fs::path dead = run.folder() / "out" / "00000017.png", next = run.folder() / "out" / "00000018.png";
  ASSERT_TRUE(wait_until(60s, [&] { return fs::exists(next) && run.stage("film", "work").value("dead", 0) == 1; }))
      << run.logs();
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(picture(9)));

  const auto list = run.ride({"dead", "list", "film", "--json"});
  ASSERT_EQ(list.code, 0) << list.text;
  const auto frames = Json::parse(list.text)["dead"];
  ASSERT_EQ(frames.size(), 1U) << list.text;
  EXPECT_EQ(frames[0]["frame"], "scene/1/17");
  EXPECT_EQ(frames[0]["reason"], "task_error: told to fail");
  EXPECT_EQ(frames[0]["attempts"], 1);
  const auto place =
      std::to_string(frames[0]["partition"].get<int>()) + "/" + std::to_string(frames[0]["offset"].get<int>());
  EXPECT_THAT(run.ride({"dead", "list"}).text, HasSubstr(place));

  const auto raw = run.folder() / "frame.raw";
  const auto shown = run.ride({"dead", "show", "film/work", place, "--save", raw.string()});
  EXPECT_EQ(shown.code, 0) << shown.text;
  EXPECT_THAT(shown.text, HasSubstr("ride_dead_reason: task_error: told to fail"));
  EXPECT_EQ(fs::file_size(raw), 64U * 48 * 3);
  EXPECT_EQ(run.ride({"dead", "show", "film/work", "0/999999"}).code, 1) << "not found";
  EXPECT_EQ(run.ride({"dead", "show", "film/work", "x"}).code, 2);

  std::ofstream(run.repaired()) << "yes";
  const auto replayed = run.ride({"dead", "replay", "film/work", place});
  EXPECT_EQ(replayed.code, 0) << replayed.text;
  EXPECT_TRUE(wait_until(30s, [&] { return fs::exists(dead); })) << run.events();
  EXPECT_EQ(run.stage("film", "work")["dead"], 1) << "what died stays counted";
  ASSERT_TRUE(run.cancel("film"));
  const auto late = run.ride({"dead", "replay", "film/work", place});
  EXPECT_NE(late.code, 0);
  EXPECT_THAT(late.text, HasSubstr("nothing would read the frame"));
}

}  // namespace
}  // namespace ride::test
