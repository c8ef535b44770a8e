// A hostile client against jobs that run: it writes into the topics of frames, into both control topics and into a
// foreign topic that a job copies, and talks to the API and the metrics pages. No process may end or grow, and the
// honest frames of the jobs arrive, each once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "stream/kafka/admin.h"
#include "stream/kafka/writer.h"
#include "tests/faults/local_run.h"
#include "tests/hostile/attacks.h"
#include "tests/master/http_client.h"
#include "tests/support/kafka_fixture.h"
#include "tests/support/test_seed.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::int64_t kMayGrow = 128 << 20;  // bytes of a process, from a quarter of the time to its end

std::chrono::seconds attack_time() {
  const char* text = std::getenv("RIDE_HOSTILE_SECONDS");
  return std::chrono::seconds(text == nullptr ? 25 : std::max(1, std::atoi(text)));
}

std::int64_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

class Hostile : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    seed_ = test_seed("RIDE_HOSTILE_SEED", 20261129);
    std::cout << "seed " << seed_ << ": RIDE_HOSTILE_SEED replays it" << std::endl;
    random_.seed(seed_);
    // No process is replaced because the machine is busy: whoever is out here was felled.
    run_ = std::make_unique<LocalRun>(bootstrap(), unique_name("hostile"),
                                      std::vector<std::string>{"RIDE_LOSS_TICKS=100"});
    plates_ = unique_name("plates");
    kafka::ClientConfig config;
    config.brokers = bootstrap();
    admin_ = kafka::open_admin(config).value();
    ASSERT_TRUE(admin_->create({plates_, 1, 1, {}}).ok());
    enemy_ = kafka::KafkaWriter::open(config).value();
    feeder_ = kafka::KafkaWriter::open(config).value();
    run_->start_agent("n1", {"--slots", "8", "--output", run_->folder().string()});
  }

  std::string album(const std::string& job) const { return (run_->folder() / job).string(); }

  void submit_jobs() {
    ASSERT_TRUE(
        run_->submit("ride: v1\nname: street\nsources:\n  scene: { synthetic: { width: 160, height: 120 }, fps: 30 }\n"
                     "stages:\n  - { name: work, from: [scene], topic: { partitions: 2 }, task: grayscale,\n"
                     "      group: { min: 2, max: 2, spares: 1, memory: 512MiB } }\n"
                     "sinks:\n  - { name: album, from: [work], topic: { partitions: 2 }, task: write_images,\n"
                     "      params: { path: \"" +
                     album("street") + "/{session}-{seq}.png\", sync: false } }\n"));
    ASSERT_TRUE(run_->submit("ride: v1\nname: copy\nsources:\n  plates: { topic: " + plates_ +
                             ", max_pixels: 1MP }\n"
                             "stages:\n  - { name: gray, from: [plates], topic: { partitions: 1 }, task: grayscale }\n"
                             "sinks:\n  - { name: album, from: [gray], topic: { partitions: 1 }, task: write_images,\n"
                             "      params: { path: \"" +
                             album("copy") + "/{seq}.png\", sync: false } }\n"));
    ASSERT_TRUE(wait_until(90s, [&] { return files("street").size() > 30; })) << run_->events() << run_->logs();
  }

  std::set<std::string> files(const std::string& job) const {
    std::set<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(album(job), none)) names.insert(entry.path().filename().string());
    return names;
  }

  // Of all that the master lists, by name of the process.
  std::map<std::string, pid_t> processes() const {
    std::map<std::string, pid_t> pids = {{"master", run_->master_pid()}};
    const auto workers = run_->get("/workers");
    if (workers.is_object())
      for (const auto& one : workers.value("workers", nlohmann::json::array()))
        if (one.value("state", "") == "live" && one.value("node", "") == "n1")
          pids[one.value("id", "")] = one.value("pid", 0);
    return pids;
  }

  // A decision of the leader, whose names the forger copies.
  stream::Decision standing() const {
    stream::Decision last;
    for (const auto& record : run_->records(run_->prefix() + ".decisions"))
      if (auto decision =
              stream::decode_decision({reinterpret_cast<const char*>(record.value.data()), record.value.size()});
          decision.ok())
        last = *decision;
    return last;
  }

  void write(kafka::KafkaWriter& writer, const std::string& topic, int partition, stream::OutRecord record) {
    const auto sent = writer.send({topic, PartitionId{partition}}, std::move(record), [](const auto&) {});
    if (!sent.ok()) writer.serve(20ms);
    writer.serve(0ms);
  }

  void write_all(const std::string& topic, int partition, RecordAttack attack) {
    ++attacks_[attack.name];
    for (auto& record : attack.records) write(*enemy_, topic, partition, std::move(record));
  }

  void feed_honest() {
    stream::OutRecord record;
    auto owner = std::make_shared<std::vector<std::uint8_t>>(honest_picture(fed_++));
    record.value = {owner->data(), owner->size()};
    record.owner = owner;
    write(*feeder_, plates_, 0, std::move(record));
  }

  void attack_once() {
    const auto topics = run_->prefix() + ".street.1.";
    const auto chance = random_() % 10;
    if (chance < 5)
      write_all(topics + "work", static_cast<int>(random_() % 2), draw_frame_attack(random_, "street", "scene"));
    else if (chance == 5)
      write_all(plates_, 0, draw_picture_attack(random_));
    else if (chance == 6)
      write_all(run_->prefix() + ".decisions", 0, draw_decision_attack(random_, standing_, "street"));
    else if (chance == 7)
      write_all(run_->prefix() + ".reports", 0, draw_report_attack(random_, reports_log_));
    else
      ask_hostile();
  }

  // Up to 200 connections that sent something, and wait.
  void ask_hostile() {
    ++attacks_["request"];
    const auto& ports = ports_;
    held_.emplace_back(ports[random_() % ports.size()], draw_request(random_));
    while (held_.size() > 200) held_.pop_front();
  }

  std::vector<int> http_ports() const {
    std::vector<int> ports = {run_->master_port()};
    const auto workers = run_->get("/workers");
    if (workers.is_object())
      for (const auto& one : workers.value("workers", nlohmann::json::array()))
        if (one.contains("http") && one["http"].is_string()) {
          const auto http = one["http"].get<std::string>();
          ports.push_back(std::stoi(http.substr(http.rfind(':') + 1)));
        }
    return ports;
  }

  bool drain(const std::string& job) {
    const auto answer = master::test::HttpClient(run_->master_port()).post("/api/v1/jobs/" + job + "/drain");
    EXPECT_LT(answer.status, 300) << answer.body;
    return wait_until(120s, [&] { return run_->phase(job) == "completed"; });
  }

  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::unique_ptr<LocalRun> run_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<kafka::KafkaWriter> enemy_, feeder_;
  std::string plates_, reports_log_;
  stream::Decision standing_;
  std::vector<int> ports_;
  std::deque<master::test::HeldConnection> held_;
  std::map<std::string, int> attacks_;
  int fed_ = 0;
};

TEST_F(Hostile, NobodyEndsOrGrowsAndEveryHonestFrameCountsOnce) {
  ASSERT_NO_FATAL_FAILURE(submit_jobs());
  standing_ = standing();
  reports_log_ = standing_.log;
  ports_ = http_ports();
  const auto before = processes();
  ASSERT_GE(before.size(), 6U);

  const auto begin = steady_clock::now();
  const auto time = attack_time();
  std::map<std::string, std::int64_t> quarter;
  for (int beat = 0; steady_clock::now() < begin + time; ++beat) {
    attack_once();
    if (beat % 4 == 0) feed_honest();
    if (quarter.empty() && steady_clock::now() > begin + time / 4)
      for (const auto& [name, pid] : before) quarter[name] = resident_bytes(pid);
    std::this_thread::sleep_for(20ms);
  }
  held_.clear();
  ASSERT_TRUE(enemy_->flush(30s).ok());
  ASSERT_TRUE(feeder_->flush(30s).ok());
  for (const auto& [name, count] : attacks_) std::cout << count << " " << name << std::endl;

  for (const auto& [name, pid] : before) {
    const auto now = resident_bytes(pid);
    std::cout << name << ": " << (quarter[name] >> 20) << " -> " << (now >> 20) << " MiB" << std::endl;
    EXPECT_GT(now, 0) << name << " ended\n" << run_->events() << run_->logs();
    EXPECT_LT(now, quarter[name] + kMayGrow) << name << " grew";
  }
  EXPECT_EQ(run_->phase("street"), "running") << run_->events();
  EXPECT_EQ(run_->phase("copy"), "running") << run_->events();
  EXPECT_TRUE(wait_until(60s, [&] { return static_cast<int>(files("copy").size()) >= fed_; }))
      << files("copy").size() << " of " << fed_;
  ASSERT_TRUE(drain("street")) << run_->events() << run_->logs();

  // The scene's frames are numbered without a hole, and all of them are there.
  const auto pictures = files("street");
  for (std::size_t i = 0; i < pictures.size(); ++i)
    ASSERT_TRUE(pictures.contains("1-" + std::to_string(i) + ".png")) << i << " of " << pictures.size();
  EXPECT_EQ(static_cast<int>(pictures.size()), run_->get("/jobs/street").value("frames_in", 0));
  EXPECT_EQ(static_cast<int>(files("copy").size()), fed_);
  std::cout << pictures.size() << " frames of the scene, " << fed_ << " copied pictures" << std::endl;
  EXPECT_EQ(processes(), before) << run_->events();
}

}  // namespace
}  // namespace ride::test
