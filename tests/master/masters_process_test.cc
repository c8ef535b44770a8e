// Masters, workers and a producer as real processes on a real Kafka: masters die, are stopped, or are all gone; every
// frame still comes out once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>

#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "process/child_process.h"
#include "stream/control_client.h"
#include "stream/core/decisions_filter.h"
#include "stream/core/frame_record.h"
#include "stream/kafka/reader.h"
#include "tests/master/http_client.h"
#include "tests/support/kafka_fixture.h"
#include "tests/support/temp_folder.h"

namespace ride::master::test {
namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 4;

template <class Condition>
::testing::AssertionResult soon(Condition condition, std::chrono::milliseconds patience = 20s) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return ::testing::AssertionSuccess();
    std::this_thread::sleep_for(10ms);
  }
  return ::testing::AssertionFailure() << "not within " << patience.count() << " ms";
}

struct Program {
  std::unique_ptr<process::ChildProcess> process;
  std::filesystem::path output, port_file;

  int port() const {
    int number = 0;
    std::ifstream(port_file) >> number;
    return number;
  }
  nlohmann::json get(const std::string& path) const { return HttpClient(port()).get(path).json(); }
  std::string role() const {
    const auto answer = get("/readyz");  // in a problem, "status" is a number
    return answer.is_object() && answer["status"].is_string() ? answer["status"].get<std::string>() : "";
  }
};

class MastersTest : public ride::test::KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (HasFatalFailure()) return;
    prefix_ = ride::test::unique_name("masters");
    config_.brokers = bootstrap();
  }
  void TearDown() override {
    if (!HasFailure()) return;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      std::ifstream in(entry.path());
      std::cerr << "==== " << entry.path().filename() << "\n" << in.rdbuf();
    }
  }

  Program start(const std::string& program, const std::string& name, std::vector<std::string> more) {
    Program one;
    one.output = folder_ / (name + ".log");
    one.port_file = folder_ / (name + ".port");
    more.insert(more.begin(), {(std::filesystem::read_symlink("/proc/self/exe").parent_path() / program).string(),
                               "--brokers", bootstrap(), "--prefix", prefix_});
    one.process = process::ChildProcess::start({.arguments = std::move(more),
                                                .working_folder = folder_.path(),
                                                .output = one.output,
                                                .signal_on_parent_death = SIGKILL})
                      .value();
    return one;
  }
  Program master(const std::string& name) {
    auto one =
        start("ride-master", name, {"--http", "127.0.0.1:0", "--port-file", (folder_ / (name + ".port")).string()});
    EXPECT_TRUE(soon([&] { return one.port() > 0; })) << name;
    return one;
  }
  void start_workers(const std::vector<std::string>& names) {
    for (const auto& name : names)
      workers_[name] = start("ride-worker", name, {"--name", name, "--node", "node-of-" + name});
    producer_ = start("ride-producer", "p1", {"--name", "p1", "--metrics", "127.0.0.1:0"});
  }

  // `frames` at 100 a second, 4 ms each, out to a topic of ours.
  void submit(const Program& to, int frames) {
    out_ = ride::test::unique_name("out");
    const auto topology = fmt::format(
        "ride: v1\nname: small\nsources:\n"
        "  scene: {{ synthetic: {{ width: 64, height: 48, channels: 1, frames: {} }}, fps: 100, codec: raw }}\n"
        "stages:\n  - name: slow\n    from: [scene]\n    topic: {{ partitions: {} }}\n    task: delay\n"
        "    params: {{ ms: 4 }}\n    group: {{ min: 2, max: 2, spares: 1 }}\n"
        "    output: {{ topic: {}, partitions: {} }}\n",
        frames, kPartitions, out_, kPartitions);
    const auto answer = HttpClient(to.port()).post("/api/v1/jobs", topology);
    ASSERT_EQ(answer.status, 201) << answer.body;
    ASSERT_TRUE(soon([&] { return to.get("/api/v1/jobs/small").value("phase", "") == "running"; }));
    reader_ = kafka::KafkaReader::open(config_, {.group = prefix_ + "-test"}).value();
    for (int p = 0; p < kPartitions; ++p) reader_->assign({out_, PartitionId{p}}, Offset{0}).value();
  }
  int frames_out() {
    for (;;) {
      auto record = reader_->poll(0ms);
      if (!record.ok() || !*record) return static_cast<int>(times_seen_.size());
      const auto header = stream::decode_header((*record)->headers);
      if (header.ok()) ++times_seen_[to_string(header->id)];
    }
  }
  void expect_each_once(int frames) {
    EXPECT_TRUE(soon([&] { return frames_out() >= frames; }, 60s)) << frames_out() << " of " << frames;
    int repeated = 0;
    for (const auto& [id, times] : times_seen_) repeated += times - 1;
    // The output topic is read without the filter: what a killed worker had written but not committed comes again.
    RecordProperty("repeated", repeated);
    EXPECT_EQ(static_cast<int>(times_seen_.size()), frames);
  }
  static std::map<int, std::string> owners(const Program& asked) {
    std::map<int, std::string> owners;
    const auto job = asked.get("/api/v1/jobs/small");
    for (const auto& one : job["stages"][0]["partition_list"])
      owners[one["partition"]] = one["worker"].is_string() ? one["worker"].get<std::string>() : "";
    return owners;
  }

  // The claim that stands, as anybody who can read the log knows it.
  stream::Decision standing_claim() {
    stream::Decision last;
    auto reader = stream::open_control_reader(config_, prefix_ + ".decisions").value();
    stream::DecisionsFilter filter;
    while (!reader->caught_up()) {
      const auto entries = reader->poll(100ms).value();
      for (const auto& entry : entries) {
        const auto decision = filter.accept(entry.offset, entry.json, entry.timestamp).value();
        if (decision && std::holds_alternative<stream::Claim>(decision->body)) last = *decision;
      }
    }
    return last;
  }
  // Of every kind that must change nothing, most of them in the leader's own name.
  std::vector<std::string> forged_decisions() {
    const auto claim = standing_claim();
    const JobName job{"small"};
    const RunNumber run{1};
    const StageName slow{"slow"};
    const WorkerId worker{owners_.at(0)};
    stream::JobSpec huge{.job = {"huge"}, .run = {1}};
    huge.stages.push_back({.name = "s", .partitions = 2'000'000'000});
    std::vector<std::string> texts = {"", "\xff\xfe", "{", "[[[[", R"({"type":"dance"})", std::string(900'000, '[')};
    const auto add = [&](stream::DecisionBody body) {
      texts.push_back(stream::encode(stream::Decision{claim.log, claim.epoch, claim.leader, std::move(body)}));
    };
    texts.push_back(stream::encode(stream::Decision{"another-log", 9, "x", stream::Claim{9, "x", ""}}));
    texts.push_back(stream::encode(stream::Decision{"another-log", 9, "x", stream::WorkerOut{worker, "", false, {}}}));
    add(stream::SnapshotPart{"s", 1, 1, "{ no json"});
    add(stream::SnapshotPart{"s", 1, 1, R"({"version": 99})"});
    add(stream::SnapshotPart{"s", 1, 1, R"({"version": 1})"});
    add(stream::JobAccepted{huge, "", {}});
    add(stream::Claim{INT64_MAX, "x", ""});
    add(stream::Claim{stream::kMostNumber, "x", ""});
    add(stream::Assign{job, run, slow, worker, Epoch{stream::kMostNumber}, {{0}, {1}, {2}, {3}}, "", {}});
    add(stream::Assign{job, run, slow, WorkerId{"nobody#1"}, Epoch{100}, {{0}, {1}, {2}, {3}}, "", {}});
    add(stream::Assign{job, run, slow, worker, Epoch{100}, {{1'000'000}}, "", {}});
    add(stream::AssignSource{job, run, "scene", WorkerId{"nobody#1"}, {1}, Epoch{stream::kMostNumber}, "", {}});
    add(stream::Releasing{job, run, slow, WorkerId{"nobody#1"}, {{0}}, {}, ""});
    return texts;
  }
  std::string forged_heartbeat(int number, const std::string& log) {
    return stream::encode(stream::Report{log, stream::Heartbeat{.id = WorkerId{fmt::format("forged{}#1", number)}}});
  }
  // The longest time between two ticks in a row, over `time` from now on.
  std::chrono::milliseconds longest_gap_of_ticks(std::chrono::milliseconds time) {
    auto reader = stream::open_control_reader(config_, prefix_ + ".reports", 0ms).value();
    const auto begin = std::chrono::steady_clock::now();
    auto last = begin, now = begin;
    auto longest = 0ms;
    while (now - begin < time) {
      const auto entries = reader->poll(20ms).value();
      now = std::chrono::steady_clock::now();
      for (const auto& entry : entries)
        if (entry.json.find("\"type\":\"tick\"") != std::string::npos) last = now;
      longest = std::max(longest, std::chrono::duration_cast<std::chrono::milliseconds>(now - last));
    }
    return longest;
  }

  std::map<int, std::string> owners_;
  ride::test::TempFolder folder_{"masters"};
  kafka::ClientConfig config_;
  std::string prefix_, out_;
  std::map<std::string, Program> workers_;
  Program producer_;
  std::unique_ptr<kafka::KafkaReader> reader_;
  std::map<std::string, int> times_seen_;
};

TEST_F(MastersTest, AStandbyTakesOverFromAKilledLeaderAndReplacesAWorkerThatDiesAfterwards) {
  auto first = master("m1"), second = master("m2");
  ASSERT_EQ(first.role(), "leader");
  ASSERT_EQ(second.role(), "standby");
  start_workers({"w1", "w2", "w3"});
  submit(first, 1000);
  ASSERT_TRUE(soon([&] { return frames_out() > 50; }));
  const auto killed = std::chrono::steady_clock::now();
  first.process->send_signal(SIGKILL);
  ASSERT_TRUE(soon([&] { return second.role() == "leader"; }, 5s));
  const auto took = (std::chrono::steady_clock::now() - killed) / 1ms;
  RecordProperty("new_leader_ms", static_cast<int>(took));
  EXPECT_LT(took, 2000);

  const auto before = owners(second);
  const auto victim = before.at(0);
  workers_.at(victim.substr(0, victim.find('#'))).process->send_signal(SIGKILL);
  EXPECT_TRUE(soon([&] {
    for (const auto& [partition, owner] : owners(second))
      if (owner.empty() || owner == victim) return false;
    return true;
  })) << "the new leader has a spare take over";
  expect_each_once(1000);
  EXPECT_TRUE(soon([&] { return second.get("/api/v1/jobs/small").value("phase", "") == "completed"; }));
}

TEST_F(MastersTest, FramesFlowWithoutAnyMasterAndALaterOneKnowsAll) {
  auto first = master("m1");
  start_workers({"w1", "w2", "w3"});
  submit(first, 800);
  ASSERT_TRUE(soon([&] { return frames_out() > 50; }));
  const auto before = owners(first);
  first.process->send_signal(SIGKILL);
  ASSERT_TRUE(first.process->wait_until_ended(5s));
  const int then = frames_out();
  EXPECT_TRUE(soon([&] { return frames_out() > then + 300; }, 10s)) << "at 100 a second, with no master at all";
  auto later = master("m2");
  EXPECT_EQ(later.role(), "leader");
  EXPECT_EQ(owners(later), before) << "nobody was moved";
  expect_each_once(800);
  EXPECT_TRUE(soon([&] { return later.get("/api/v1/jobs/small").value("phase", "") == "completed"; }));
  int repeated = 0;
  for (const auto& [id, times] : times_seen_) repeated += times - 1;
  EXPECT_EQ(repeated, 0) << "no worker died";
}

TEST_F(MastersTest, ALeaderThatWasStoppedStandsByWhenItGoesOn) {
  auto first = master("m1"), second = master("m2");
  start_workers({"w1", "w2", "w3"});
  submit(first, 600);
  ASSERT_TRUE(soon([&] { return frames_out() > 50; }));
  const auto before = owners(first);
  first.process->send_signal(SIGSTOP);
  ASSERT_TRUE(soon([&] { return second.role() == "leader"; }, 5s));
  first.process->send_signal(SIGCONT);
  ASSERT_TRUE(soon([&] { return first.role() == "standby"; }, 5s));
  EXPECT_EQ(first.get("/api/v1/leader")["url"], second.get("/api/v1/leader")["url"]);
  EXPECT_EQ(second.role(), "leader");
  EXPECT_EQ(owners(first), before) << "no decision of the old epoch counts";
  second.process->send_signal(SIGTERM);
  ASSERT_TRUE(soon([&] { return first.role() == "leader"; }, 5s)) << "it can lead again";
  expect_each_once(600);
}

TEST_F(MastersTest, ForgedDecisionsEndNobodyAndTheJobGoesOn) {
  auto first = master("m1"), second = master("m2");
  start_workers({"w1", "w2", "w3"});
  submit(first, 1500);
  ASSERT_TRUE(soon([&] { return frames_out() > 50; }));
  owners_ = owners(first);
  auto decisions = stream::open_control_writer(config_, prefix_ + ".decisions").value();
  for (const auto& text : forged_decisions()) decisions->append(text, 5s).value();
  const int then = frames_out();
  EXPECT_TRUE(soon([&] { return frames_out() > then + 200; })) << "the job goes on";
  ASSERT_TRUE(soon([&] { return first.role() != "" && second.role() != ""; })) << "both live, and know who leads";
  EXPECT_EQ(owners(first), owners_) << "nobody was moved";
  EXPECT_NE(first.get("/api/v1/events").dump().find("is refused: it belongs to log 'another-log'"), std::string::npos);
  for (auto& [name, worker] : workers_) EXPECT_FALSE(worker.process->wait_until_ended(0ms)) << name;

  // All masters end; those that come read all of it from the beginning.
  for (auto* one : {&first, &second}) one->process->send_signal(SIGKILL);
  for (auto* one : {&first, &second}) ASSERT_TRUE(one->process->wait_until_ended(5s));
  auto later = master("m3");
  ASSERT_TRUE(soon([&] { return later.role() == "leader"; }, 10s));
  EXPECT_EQ(owners(later), owners_);
  workers_["w4"] = start("ride-worker", "w4", {"--name", "w4", "--node", "node-of-w4"});
  EXPECT_TRUE(soon([&] { return later.get("/api/v1/workers").dump().find("\"w4#") != std::string::npos; }))
      << "a new worker joins";
  const auto victim = owners_.at(0);
  workers_.at(victim.substr(0, victim.find('#'))).process->send_signal(SIGKILL);
  expect_each_once(1500);
  EXPECT_TRUE(soon([&] { return later.get("/api/v1/jobs/small").value("phase", "") == "completed"; }));
}

TEST_F(MastersTest, TwentyThousandForgedHeartbeatsSlowNoTick) {
  auto first = master("m1");
  start_workers({"w1", "w2", "w3"});
  submit(first, 1000);
  ASSERT_TRUE(soon([&] { return frames_out() > 50; }));
  owners_ = owners(first);
  const auto log = first.get("/readyz")["log"].get<std::string>();
  auto reports = stream::open_control_writer(config_, prefix_ + ".reports").value();
  std::vector<std::string> flood;
  for (int i = 0; i < 20'000; ++i) flood.push_back(forged_heartbeat(i, log));
  reports->append_all(flood, 20s).value();
  const auto gap = longest_gap_of_ticks(5s);
  RecordProperty("longest_gap_of_ticks_ms", static_cast<int>(gap.count()));
  std::cout << "longest time between two ticks: " << gap.count() << " ms\n";
  EXPECT_LT(gap, 2s) << "20 s, when each name slowed the clock by 1 ms";
  EXPECT_NE(first.get("/api/v1/events").dump().find("members_refused"), std::string::npos);
  EXPECT_TRUE(soon([&] { return first.role() == "leader"; }));
  EXPECT_EQ(owners(first), owners_) << "nobody was moved";
  EXPECT_TRUE(soon([&] { return first.get("/api/v1/workers")["workers"].size() <= 4; }, 30s))
      << "they are forgotten; what lives is the producer and three workers: "
      << first.get("/api/v1/workers").dump().substr(0, 2000);
  expect_each_once(1000);
}

}  // namespace
}  // namespace ride::master::test
