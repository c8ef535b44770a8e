// Workers and producers that are stopped, killed and replaced while frames flow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <set>

#include "tests/faults/local_run.h"
#include "tests/faults/network_camera.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class TakeoverTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run_ = std::make_unique<LocalRun>(bootstrap(), unique_name("takeover"));
  }
  nlohmann::json process(const std::string& id) const {
    const auto json = run_->get("/workers");
    if (json.is_object())
      for (const auto& one : json.value("workers", nlohmann::json::array()))
        if (one.value("id", "") == id) return one;
    return nlohmann::json::object();
  }
  // Who has partition 0 of the stage; empty: nobody.
  std::string owner(const std::string& job, const std::string& stage) const {
    const auto view = run_->stage(job, stage);
    if (!view.contains("partition_list")) return "";
    const auto& worker = view["partition_list"][0]["worker"];
    return worker.is_string() ? worker.get<std::string>() : "";
  }
  nlohmann::json source(const std::string& job) const {
    const auto json = run_->get("/sources");
    if (json.is_object())
      for (const auto& one : json.value("sources", nlohmann::json::array()))
        if (one.value("job", "") == job) return one;
    return nlohmann::json::object();
  }
  std::size_t pictures() const {
    std::error_code none;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(run_->folder() / "out", none), {}));
  }

  std::unique_ptr<LocalRun> run_;
};

TEST_F(TakeoverTest, WhatAStoppedWorkerWritesWhenItGoesOnReachesNoReader) {
  run_->start_agent("n1", {"--slots", "4"});
  ASSERT_TRUE(
      run_->submit("ride: v1\nname: film\nsources:\n"
                   "  scene: { synthetic: { width: 64, height: 48, frames: 240 }, fps: 30 }\n"
                   "stages:\n"
                   "  - { name: work, from: [scene], topic: { partitions: 2 }, task: delay, params: { ms: 25 },\n"
                   "      group: { min: 1, max: 1, spares: 1 } }\n"
                   "sinks:\n  - { name: album, from: [work], task: write_images, params: { path: \"" +
                   (run_->folder() / "out").string() + "/{seq}.png\" } }\n"));
  ASSERT_TRUE(wait_until(60s, [&] { return run_->stage("film", "work").value("acked", 0) > 20; })) << run_->logs();
  const auto zombie = owner("film", "work");
  const auto pid = process(zombie).value("pid", 0);
  ASSERT_GT(pid, 0) << run_->get("/workers");
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  EXPECT_TRUE(wait_until(20s, [&] { return owner("film", "work") != zombie && !owner("film", "work").empty(); }))
      << run_->events();
  const auto taken_over = run_->stage("film", "work").value("acked", 0);
  EXPECT_TRUE(wait_until(20s, [&] { return run_->stage("film", "work").value("acked", 0) > taken_over + 20; }))
      << run_->events();
  ::kill(pid, SIGCONT);
  ASSERT_TRUE(wait_until(60s, [&] { return run_->phase("film") == "completed"; })) << run_->events() << run_->logs();
  for (const auto* stage : {"work", "album"}) {
    const auto view = run_->stage("film", stage);
    EXPECT_EQ(view["acked"], 240) << view;
    EXPECT_EQ(view["dead"], 0) << view;
    EXPECT_EQ(view["lag"], 0) << "the new owner's commits stand: " << view;
  }
  EXPECT_EQ(pictures(), 240U);
}

TEST_F(TakeoverTest, ANetworkCameraMovesToAnotherProducerWhenItsNodeDies) {
  const NetworkCamera camera;
  auto& first = run_->start_agent("n1", {"--slots", "2"});
  ASSERT_TRUE(run_->submit("ride: v1\nname: watch\nsources:\n  gate: { camera: \"" + camera.url() +
                           "\", fps: 20 }\n"
                           "sinks:\n  - { name: bin, from: [gate], task: discard, topic: { partitions: 1 } }\n"));
  ASSERT_TRUE(wait_until(60s, [&] { return source("watch").value("frames", 0) > 20; }))
      << source("watch") << run_->logs();
  const auto before = source("watch");
  run_->start_agent("n2", {"--slots", "2"});
  ASSERT_TRUE(wait_until(30s, [&] {
    int producers = 0;
    const auto json = run_->get("/workers");
    for (const auto& one : json["workers"]) producers += one["kind"] == "producer" && one["state"] == "live";
    return producers == 2;
  })) << run_->get("/workers");
  first.send_signal(SIGKILL);  // its children end with it
  ASSERT_TRUE(wait_until(30s,
                         [&] {
                           const auto now = source("watch");
                           return now["producer"].is_string() &&
                                  now["producer"].get<std::string>().starts_with("n2-p1#") &&
                                  now.value("connected", false);
                         }))
      << source("watch") << run_->events();
  EXPECT_GT(source("watch").value("session", 0), before.value("session", 0))
      << "the new session has a number of its own";
  const auto frames = source("watch").value("frames", 0);
  EXPECT_TRUE(wait_until(30s, [&] { return source("watch").value("frames", 0) > frames + 20; })) << source("watch");
}

// Two cameras into one stage, so that nothing but the sources themselves know what each of them sent.
TEST_F(TakeoverTest, WhatKilledProducersWroteStandsInTheCountsOfTheirSources) {
  const NetworkCamera camera;
  run_->start_agent("n1", {"--slots", "1"});
  const std::string source_of = "{ camera: \"" + camera.url() + "\", fps: 20 }\n";
  ASSERT_TRUE(run_->submit("ride: v1\nname: watch\nsources:\n  gate: " + source_of + "  yard: " + source_of +
                           "sinks:\n  - { name: bin, from: [gate, yard], task: discard, topic: { partitions: 3 } }\n"));
  const auto flow = [&] {
    const auto json = run_->get("/jobs/watch");
    if (!json.is_object()) return false;
    for (const auto& one : json.value("sources", nlohmann::json::array()))
      if (!one.value("connected", false) || one.value("fps", 0.0) < 5) return false;
    return true;
  };
  // One that dies before it has counted what those before it wrote hands on what they reported (decision 0027).
  const auto counted = [&] {
    const auto logs = run_->logs();
    int lines = 0;
    for (auto at = logs.find("earlier owners wrote"); at != std::string::npos;
         at = logs.find("earlier owners wrote", at + 1))
      ++lines;
    return lines;
  };
  for (int kills = 0; kills < 3; ++kills) {
    ASSERT_TRUE(wait_until(60s, [&] { return flow() && counted() >= 2 * kills; }))
        << counted() << run_->get("/jobs/watch") << run_->logs();
    const auto victim = process(source("watch").value("producer", ""));
    ASSERT_TRUE(victim.contains("pid")) << run_->get("/workers");
    ASSERT_EQ(::kill(victim["pid"].get<pid_t>(), SIGKILL), 0);
    ASSERT_TRUE(wait_until(60s,
                           [&] {
                             const auto now = source("watch");
                             return now["producer"].is_string() && now["producer"] != victim["id"];
                           }))
        << source("watch") << run_->events();
  }
  ASSERT_TRUE(wait_until(60s, [&] { return flow() && counted() >= 6; }))
      << counted() << run_->get("/jobs/watch") << run_->logs();
  ASSERT_EQ(run_->ask_master({"drain", "watch"}).code, 0);
  ASSERT_TRUE(wait_until(60s, [&] { return run_->phase("watch") == "completed"; })) << run_->logs();
  const auto sums = [&] {
    std::int64_t sent = 0;
    const auto job = run_->get("/jobs/watch");
    for (const auto& one : job.value("sources", nlohmann::json::array())) sent += one.value("frames", std::int64_t{0});
    return std::pair(sent, run_->stage("watch", "bin").value("acked", std::int64_t{-1}));
  };
  EXPECT_TRUE(wait_until(20s, [&] { return sums().first == sums().second; }))
      << sums().first << " sent, " << sums().second << " ACKed\n"
      << run_->get("/jobs/watch");
  // `ride logs watch` says why they were lost.
  int losses = 0;
  const auto page = run_->get("/events?after=0&limit=500");
  for (const auto& event : page.value("events", nlohmann::json::array()))
    losses += event["code"] == "out" && event["job"] == "watch" ? 1 : 0;
  EXPECT_GE(losses, 3) << run_->events();
}

}  // namespace
}  // namespace ride::test
