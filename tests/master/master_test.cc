// The whole master on a real Kafka, with members that speak the real protocol.
#include "master/master.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "master/api.h"
#include "stream/control_client.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"
#include "tests/master/fake_member.h"
#include "tests/master/http_client.h"
#include "tests/support/kafka_fixture.h"

namespace ride::master::test {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using stream::ProcessKind;

// Waits for it, and says what it waited for.
template <class Condition>
::testing::AssertionResult soon(Condition condition, std::chrono::milliseconds patience = 15s) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return ::testing::AssertionSuccess();
    std::this_thread::sleep_for(10ms);
  }
  return ::testing::AssertionFailure() << "not within " << patience.count() << " ms";
}

class MasterTest : public ride::test::KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (HasFatalFailure()) return;
    prefix_ = ride::test::unique_name("m");
    config_.brokers = bootstrap();
    master_ = start();
    ASSERT_NE(master_, nullptr);
  }

  std::unique_ptr<Master> start() {
    MasterOptions options;
    options.kafka = config_;
    options.prefix = prefix_;
    options.http = "127.0.0.1:0";
    options.clean_interval = 200ms;
    options.environment = environment_of({});
    // Tests share the machine: what counts here is who is lost, not how soon.
    options.rules.ticks_to_loss = 10;
    options.rules.snapshot_records = snapshot_records_;
    auto master = Master::start(options, stop_);
    EXPECT_TRUE(master.ok()) << (master.ok() ? "" : master.error().message);
    return master.ok() ? std::move(master).value() : nullptr;
  }

  HttpClient http() const { return HttpClient(master_->port()); }
  std::unique_ptr<FakeMember> member(const std::string& name, ProcessKind kind = ProcessKind::worker) {
    return std::make_unique<FakeMember>(config_, prefix_, name, kind);
  }
  std::string phase() const { return http().get("/api/v1/jobs/street").json().value("phase", ""); }
  bool knows(int workers) const {
    int live = 0;
    const auto answer = http().get("/api/v1/workers").json();
    for (const auto& one : answer["workers"]) live += one["state"] == "live" && one["kind"] == "worker";
    return live == workers;
  }

  static std::string street(const std::string& more = {}) {
    return "ride: v1\nname: street\n"
           "sources:\n  pictures: { directory: /tmp/pictures }\n"
           "stages:\n"
           "  - name: clean\n    from: [pictures]\n    topic: { partitions: 4 }\n    task: grayscale\n"
           "    group: { min: 2, max: 2" +
           more +
           " }\n"
           "sinks:\n  - { name: album, from: [clean], task: discard, topic: { partitions: 2 } }\n";
  }

  std::string prefix_;
  kafka::ClientConfig config_;
  std::atomic<bool> stop_ = false;
  std::int64_t snapshot_records_ = 5000;
  std::unique_ptr<Master> master_;
};

TEST_F(MasterTest, LeadsAndServesWhatItDescribes) {
  EXPECT_EQ(http().get("/healthz").status, 200);
  const auto ready = http().get("/readyz");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.json()["epoch"], 1);
  EXPECT_EQ(http().get("/metrics").status, 200);
  EXPECT_THAT(http().get("/metrics").body, HasSubstr("ride_leader_claim_epochs 1"));
  const auto document = http().get("/api/v1/openapi.json").json();
  for (const auto& [path, methods] : document["paths"].items())
    if (methods.contains("get") && path.find('{') == std::string::npos) {
      EXPECT_EQ(http().get(path).status, 200) << path;
    }
  EXPECT_TRUE(soon([&] {
    return http().get("/metrics").body.find("ride_log_ticks_total 5") != std::string::npos ||
           http().get("/metrics").body.find("ride_log_ticks_total 6") != std::string::npos;
  })) << "ticks are in the log";
}

TEST_F(MasterTest, AJobRunsFromSubmitToItsEnd) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  auto p1 = member("p1", ProcessKind::producer);
  ASSERT_TRUE(soon([&] { return knows(3); }));
  const auto submitted = http().post("/api/v1/jobs?name=street.yaml", street());
  ASSERT_EQ(submitted.status, 201) << submitted.body;
  EXPECT_EQ(submitted.json()["run"], 1);
  ASSERT_TRUE(soon([&] { return phase() == "running"; }));

  auto admin = kafka::open_admin(config_).value();
  std::map<std::string, int> partitions;
  for (const auto& topic : admin->topics().value()) partitions[topic.name] = topic.partitions;
  EXPECT_EQ(partitions[prefix_ + ".street.1.clean"], 4);
  EXPECT_EQ(partitions[prefix_ + ".street.1.album"], 2);
  auto commits = kafka::open_commit_store(config_).value();
  const stream::TopicPartition at{prefix_ + ".street.1.clean", PartitionId{3}};
  EXPECT_EQ(commits->committed(prefix_ + ".street.1.clean", {at}).value()[at], (stream::Commit{Offset{0}, ""}));

  EXPECT_TRUE(soon([&] { return w1->owned().size() + w2->owned().size() + w3->owned().size() == 6; }));
  EXPECT_TRUE(soon([&] { return p1->sources().contains("pictures"); }));
  const auto same = http().post("/api/v1/jobs", street());
  EXPECT_EQ(same.status, 200) << "the same file changes nothing";
  EXPECT_EQ(same.json()["change"], "none");
  EXPECT_EQ(same.json()["run"], 1);

  EXPECT_EQ(http().post("/api/v1/jobs/street/pause").json()["phase"], "paused");
  EXPECT_EQ(http().post("/api/v1/jobs/street/pause").status, 409);
  EXPECT_EQ(http().post("/api/v1/jobs/street/resume").json()["phase"], "running");
  for (auto* one : {w1.get(), w2.get(), w3.get(), p1.get()}) one->end_all(10);
  EXPECT_TRUE(soon([&] { return phase() == "completed"; }));
  const auto job = http().get("/api/v1/jobs/street").json();
  EXPECT_EQ(job["progress"], 1.0);
  EXPECT_THAT(job["reason"].get<std::string>(), HasSubstr("20 ACKed by album"));
  EXPECT_EQ(job["topology"], street());

  const auto again = http().post("/api/v1/jobs", street());
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(again.json()["run"], 2);
  EXPECT_EQ(http().send("DELETE", "/api/v1/jobs/street?delete_topics=true").json()["phase"], "cancelled");
  EXPECT_TRUE(soon([&] {
    for (const auto& topic : admin->topics().value())
      if (topic.name.starts_with(prefix_ + ".street.2.")) return false;
    return true;
  })) << "its topics are deleted";
}

TEST_F(MasterTest, ASpareTakesOverFromAWorkerThatFallsSilent) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3"), w4 = member("w4");
  ASSERT_TRUE(soon([&] { return knows(4); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street(", spares: 1")).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() == 2; }));
  const auto lost = w1->owned();
  const auto before = std::chrono::steady_clock::now();
  w1.reset();
  EXPECT_TRUE(soon([&] { return w4->owned() == lost || w3->owned() == lost; }, 5s));
  RecordProperty("takeover_ms", static_cast<int>((std::chrono::steady_clock::now() - before) / 1ms));
  EXPECT_TRUE(soon([&] {
    const auto events = http().get("/api/v1/events?limit=1000").json();
    for (const auto& event : events["events"])
      if (event["code"] == "out" && event["severity"] == "warning") return true;
    return false;
  })) << "an event reports it";
}

TEST_F(MasterTest, AChildsExitAndAGoodbyeCountAtOnce) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  auto agent = member("agent", ProcessKind::agent);
  ASSERT_TRUE(soon([&] { return knows(3); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() == 2 && w3->owned().size() == 2; }));  // of clean; w2 is album's
  w3->leave();
  EXPECT_TRUE(soon([&] { return w1->owned().size() == 4; }, 5s));
  agent->post(stream::ChildExit{.agent = agent->id(), .child = w2->id(), .signal = 9});
  EXPECT_TRUE(soon([&] { return knows(1); }, 5s));
}

TEST_F(MasterTest, ANewWorkerGetsPartitionsHandedBack) {
  auto w1 = member("w1"), w2 = member("w2");
  ASSERT_TRUE(soon([&] { return knows(2); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() + w2->owned().size() == 6; }));
  auto w3 = member("w3");
  EXPECT_TRUE(soon([&] { return w3->owned().size() == 2; }));
  EXPECT_TRUE(soon([&] { return w1->owned().size() == 2 && w2->owned().size() == 2; }));
}

TEST_F(MasterTest, ANewMasterGoesOnWhereTheOldOneStopped) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  ASSERT_TRUE(soon([&] { return knows(3); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() == 2 && w3->owned().size() == 2; }));  // of clean; w2 is album's
  master_->stop();
  master_ = start();
  ASSERT_NE(master_, nullptr);
  EXPECT_EQ(http().get("/readyz").json()["epoch"], 3) << "2 was the farewell of the first";
  EXPECT_EQ(phase(), "running");
  ASSERT_TRUE(soon([&] { return knows(3); }));
  EXPECT_EQ(w1->owned().size(), 2u) << "nobody was moved";
  w1.reset();
  EXPECT_TRUE(soon([&] { return w3->owned().size() == 4; }));
}

TEST_F(MasterTest, ASecondMasterStandsByAnswersQuestionsAndSendsChangesOn) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  auto second = start();
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(second->leads());
  EXPECT_TRUE(master_->leads());
  EXPECT_EQ(second->leader(), master_->url());
  const HttpClient standby(second->port());
  EXPECT_EQ(standby.get("/readyz").json()["status"], "standby");
  EXPECT_EQ(http().get("/readyz").json()["status"], "leader");
  const auto answer = standby.get("/api/v1/leader").json();
  EXPECT_EQ(answer["url"], master_->url());
  EXPECT_EQ(answer["leads"], false);
  EXPECT_THAT(standby.get("/metrics").body, HasSubstr("ride_leading_masters 0"));
  const auto sent_on =
      standby.raw("POST /api/v1/jobs?name=street.yaml HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", false);
  EXPECT_THAT(sent_on, HasSubstr("307"));
  EXPECT_THAT(sent_on, HasSubstr("Location: " + master_->url() + "/api/v1/jobs?name=street.yaml"));

  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  EXPECT_TRUE(soon([&] { return standby.get("/api/v1/jobs/street").json().value("phase", "") == "running"; }));
  EXPECT_TRUE(soon([&] {
    int live = 0;
    const auto workers = standby.get("/api/v1/workers").json();
    for (const auto& one : workers["workers"]) live += one["state"] == "live";
    return live == 3;
  })) << "it follows the reports, too";
  EXPECT_EQ(standby.post("/api/v1/plan", street()).status, 200);
}

TEST_F(MasterTest, AStandbyTakesOverWhenTheLeaderEndsOrFallsSilent) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  ASSERT_TRUE(soon([&] { return knows(3); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() == 2 && w3->owned().size() == 2; }));
  auto second = start();
  ASSERT_NE(second, nullptr);
  const auto begin = std::chrono::steady_clock::now();
  master_->stop();
  ASSERT_TRUE(soon([&] { return second->leads(); }, 1s)) << "it said farewell, so nobody waits";
  RecordProperty("takeover_ms", static_cast<int>((std::chrono::steady_clock::now() - begin) / 1ms));
  master_ = std::move(second);
  EXPECT_EQ(phase(), "running");
  w1.reset();
  EXPECT_TRUE(soon([&] { return w3->owned().size() == 4; })) << "the new leader replaces who is lost";
}

// Another master, as far as the log shows: its claim deposes whoever leads.
TEST_F(MasterTest, WhoIsDeposedStandsByAndLeadsAgainWhenTheOtherFallsSilent) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  ASSERT_TRUE(soon([&] { return knows(3); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() == 2 && w3->owned().size() == 2; }));
  const auto log = http().get("/readyz").json()["log"].get<std::string>();
  auto decisions = stream::open_control_writer(config_, prefix_ + ".decisions").value();
  decisions->append(stream::encode(stream::Decision{log, 2, "x", stream::Claim{2, "x", "127.0.0.1:1"}}), 5s).value();
  ASSERT_TRUE(soon([&] { return !master_->leads(); }, 2s));
  EXPECT_FALSE(master_->failed().has_value());
  EXPECT_EQ(http().send("DELETE", "/api/v1/jobs/street").status, 503) << "x was never heard of";
  ASSERT_TRUE(soon([&] { return master_->leads(); }, 4s));
  EXPECT_EQ(http().get("/readyz").json()["epoch"], 3);
  w1.reset();
  EXPECT_TRUE(soon([&] { return w3->owned().size() == 4; }));
}

TEST_F(MasterTest, TheDecisionsLogIsTruncatedBehindASnapshotAndReadersGoOnFromThere) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  ASSERT_TRUE(soon([&] { return knows(3); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return w1->owned().size() == 2 && w3->owned().size() == 2; }));
  master_->stop();
  snapshot_records_ = 10;  // leases alone are so many in 4 s
  master_ = start();
  ASSERT_NE(master_, nullptr);
  auto admin = kafka::open_admin(config_).value();
  const stream::TopicPartition log{prefix_ + ".decisions", PartitionId{0}};
  ASSERT_TRUE(soon([&] { return admin->range(log).value().first.value > 10; }));
  auto reader = stream::open_control_reader(config_, log.topic).value();
  std::vector<stream::ControlReader::Entry> entries;
  ASSERT_TRUE(soon([&] { return !(entries = reader->poll(100ms).value()).empty(); }));
  const auto first = stream::decode_decision(entries.front().json).value();
  EXPECT_TRUE(std::holds_alternative<stream::SnapshotPart>(first.body)) << entries.front().json;

  auto second = start();  // knows the log from the snapshot on only
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(HttpClient(second->port()).get("/api/v1/jobs/street").json()["phase"], "running");
  auto w4 = member("w4");  // a member that joins now, too
  ASSERT_TRUE(soon([&] { return knows(4); }));
  master_->stop();
  ASSERT_TRUE(soon([&] { return second->leads(); }, 3s));
  master_ = std::move(second);
  w1.reset();
  EXPECT_TRUE(soon([&] { return w4->owned().size() == 2; }));
}

TEST_F(MasterTest, NeitherADecisionNorAReportOfAnotherLogStopsIt) {
  auto reports = stream::open_control_writer(config_, prefix_ + ".reports").value();
  stream::Report report{"another-log", stream::Heartbeat{.id = WorkerId{"stranger#1"}}};
  reports->append(stream::encode(report), 5s).value();
  reports->append("{ this is no report", 5s).value();
  EXPECT_TRUE(
      soon([&] { return http().get("/metrics").body.find("ride_refused_reports_total 2") != std::string::npos; }));
  EXPECT_TRUE(knows(0));
  EXPECT_EQ(http().get("/readyz").status, 200);

  auto decisions = stream::open_control_writer(config_, prefix_ + ".decisions").value();
  decisions->append(stream::encode(stream::Decision{"another-log", 9, "x", stream::Claim{9, "x", ""}}), 5s).value();
  EXPECT_TRUE(soon([&] {
    return http().get("/metrics").body.find("ride_refused_decisions_total{reason=\"foreign_log\"} 1") !=
           std::string::npos;
  }));
  EXPECT_FALSE(master_->failed().has_value());
  EXPECT_TRUE(master_->leads());
  EXPECT_TRUE(soon([&] {
    return http().get("/api/v1/events").body.find("it belongs to log 'another-log'") != std::string::npos;
  })) << http().get("/api/v1/events").body;
}

TEST_F(MasterTest, ATopologyThatIsWrongIsRefusedWithPlaces) {
  auto text = street();
  text.replace(text.find("grayscale"), 9, "grayscal");
  const auto refused = http().post("/api/v1/jobs?name=my.yaml", text);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.content_type, "application/problem+json");
  const auto error = refused.json()["errors"][0];
  EXPECT_EQ(error["file"], "my.yaml");
  EXPECT_EQ(error["line"], 9);
  EXPECT_THAT(error["message"].get<std::string>() + error["fix"].get<std::string>(), HasSubstr("grayscale"));
  EXPECT_EQ(http().post("/api/v1/jobs", "").status, 422);
  EXPECT_EQ(http().post("/api/v1/plan", "a: [").status, 422);
  EXPECT_TRUE(http().get("/api/v1/jobs").json()["jobs"].empty());
}

TEST_F(MasterTest, AForeignTopicWithOtherPartitionsIsRefusedInWords) {
  auto admin = kafka::open_admin(config_).value();
  const auto topic = ride::test::unique_name("edges");
  admin->create({topic, 3, 1, {}}).value();
  // Who asks is told by the broker's copy of the metadata, which follows.
  ASSERT_TRUE(soon([&] {
    const auto topics = admin->topics().value();
    return std::any_of(topics.begin(), topics.end(), [&](const auto& one) { return one.name == topic; });
  }));
  auto text = street();
  text.replace(text.find("    group:"), 0, "    output: { topic: " + topic + ", partitions: 5 }\n");
  const auto refused = http().post("/api/v1/jobs", text);
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_THAT(refused.json()["detail"].get<std::string>(), HasSubstr(topic));
  EXPECT_EQ(http().post("/api/v1/plan", text).status, 409);
}

TEST_F(MasterTest, WhatMayChangeInARunningJobDoesAndTheRestWaitsForADrain) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3");
  auto p1 = member("p1", ProcessKind::producer);
  ASSERT_TRUE(soon([&] { return knows(3); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return phase() == "running"; }));

  const auto larger = http().post("/api/v1/jobs", street(", spares: 1"));
  EXPECT_EQ(larger.status, 200) << larger.body;
  EXPECT_EQ(larger.json()["change"], "at_once");
  EXPECT_EQ(larger.json()["run"], 1);
  EXPECT_EQ(larger.json()["differences"][0]["text"], "clean: group.spares 0 → 1");
  EXPECT_EQ(http().get("/api/v1/jobs/street").json()["stages"][0]["wanted_spares"], 1);

  auto other = street(", spares: 1");
  other.replace(other.find("grayscale"), 9, "identity");
  const auto planned = http().post("/api/v1/plan", other).json()["change"];
  EXPECT_EQ(planned["change"], "replace");
  EXPECT_EQ(planned["next_run"], 2);
  EXPECT_EQ(planned["begins_again"], nlohmann::json({"pictures"}));
  const auto refused = http().post("/api/v1/jobs", other);
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("clean: task grayscale → identity"));
  EXPECT_EQ(refused.json()["change"]["change"], "replace");
  EXPECT_EQ(http().post("/api/v1/jobs?replace=maybe", other).status, 400);
  const auto replaced = http().post("/api/v1/jobs?replace=true", other);
  EXPECT_EQ(replaced.status, 202) << replaced.body;
  EXPECT_EQ(replaced.json()["run"], 2);
  EXPECT_EQ(replaced.json()["replaces"], 1);
  EXPECT_EQ(phase(), "draining");
  EXPECT_EQ(http().get("/api/v1/jobs/street").json()["next_run"], 2);

  // The master ends meanwhile: what follows stands in the log.
  master_.reset();
  master_ = start();
  ASSERT_NE(master_, nullptr);
  for (auto* one : {w1.get(), w2.get(), w3.get(), p1.get()}) one->end_all(10);
  EXPECT_TRUE(soon([&] {
    const auto job = http().get("/api/v1/jobs/street").json();
    return job.value("run", 0) == 2 && job.value("phase", "creating") != "creating";
  })) << http().get("/api/v1/jobs/street").body;
}

TEST_F(MasterTest, APersonSetsAndHoldsTheSizeOfAGroup) {
  auto w1 = member("w1"), w2 = member("w2"), w3 = member("w3"), w4 = member("w4");
  ASSERT_TRUE(soon([&] { return knows(4); }));
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return phase() == "running"; }));
  const std::string clean = "/api/v1/jobs/street/stages/clean";
  const auto set = http().post(clean + "/scale", R"({"workers": 3})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json()["stages"][0]["wanted"], 3);
  EXPECT_EQ(set.json()["stages"][0]["held"], true);
  EXPECT_TRUE(
      soon([&] { return w1->owned().size() + w2->owned().size() + w3->owned().size() + w4->owned().size() == 6; }));
  const auto stages = http().get("/api/v1/stages").json();
  EXPECT_EQ(stages["stages"][0]["workers"].size(), 3u) << stages.dump();
  EXPECT_EQ(http().post(clean + "/scale", R"({"workers": null})").json()["stages"][0]["held"], false);
  EXPECT_EQ(http().post(clean + "/hold").json()["stages"][0]["held"], true);
  EXPECT_EQ(http().post(clean + "/release").json()["stages"][0]["held"], false);
  EXPECT_EQ(http().post("/api/v1/jobs/street/hold").json()["stages"].size(), 2u);
  EXPECT_EQ(http().post("/api/v1/jobs/street/release").json()["stages"][1]["held"], false);

  EXPECT_EQ(http().post(clean + "/scale", R"({"workers": 5})").status, 422) << "four partitions";
  for (const auto* wrong : {"", "x", "3", "{}", R"({"workers": 0})", R"({"workers": 1.5})", R"({"workers": "many"})"})
    EXPECT_EQ(http().post(clean + "/scale", wrong).status, 400) << wrong;
  EXPECT_EQ(http().post("/api/v1/jobs/street/stages/nothing/hold").status, 404);
  EXPECT_EQ(http().post("/api/v1/jobs/nothing/hold").status, 404);
}

TEST_F(MasterTest, APlanChangesNothing) {
  const auto plan = http().post("/api/v1/plan", street());
  ASSERT_EQ(plan.status, 200) << plan.body;
  EXPECT_THAT(plan.body, HasSubstr(prefix_ + ".street.1.clean"));
  for (const auto& topic : kafka::open_admin(config_).value()->topics().value())
    EXPECT_FALSE(topic.name.starts_with(prefix_ + ".street")) << topic.name;
}

TEST_F(MasterTest, ANameIsNeverUsedAgainEvenWhenTheLogWasLost) {
  kafka::open_admin(config_).value()->create({prefix_ + ".street.7.clean", 1, 1, {}}).value();
  EXPECT_EQ(http().post("/api/v1/jobs", street()).json()["run"], 8);
}

TEST_F(MasterTest, WhatEveryReaderAckedIsDeleted) {
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return phase() == "running"; }));
  const stream::TopicPartition at{prefix_ + ".street.1.clean", PartitionId{0}};
  auto writer = kafka::KafkaWriter::open(config_).value();
  const std::string picture(1000, 'x');
  for (int i = 0; i < 20; ++i) {
    stream::OutRecord record;
    record.value = {reinterpret_cast<const std::uint8_t*>(picture.data()), picture.size()};
    writer->send(at, std::move(record), [](const Result<Offset>&) {}).value();
  }
  writer->flush(10s).value();
  kafka::open_commit_store(config_).value()->commit(prefix_ + ".street.1.clean", {{at, {Offset{12}, ""}}}).value();
  auto admin = kafka::open_admin(config_).value();
  EXPECT_TRUE(soon([&] { return admin->range(at).value().first == Offset{12}; }));
  EXPECT_EQ(admin->range(at).value().end, Offset{20});
}

TEST_F(MasterTest, WhatWaitsForAStageWithoutWorkersIsItsLag) {
  ASSERT_EQ(http().post("/api/v1/jobs", street()).status, 201);
  ASSERT_TRUE(soon([&] { return phase() == "running"; }));
  auto writer = kafka::KafkaWriter::open(config_).value();
  for (int i = 0; i < 400; ++i)
    writer->send({prefix_ + ".street.1.clean", PartitionId{i % 4}}, {}, [](const Result<Offset>&) {}).value();
  writer->flush(10s).value();
  const auto clean = [&] { return http().get("/api/v1/jobs/street").json()["stages"][0]; };
  EXPECT_TRUE(soon([&] { return clean()["lag"] == 400; })) << clean();
  EXPECT_EQ(clean()["workers"].size(), 0U);
  EXPECT_THAT(http().get("/metrics").body, ::testing::ContainsRegex("ride_stage_lag_frames\\{[^}]*clean[^}]*\\} 400"));
}

TEST_F(MasterTest, NothingThatAClientSendsBringsItDown) {
  const std::string huge(5 << 20, 'x');
  EXPECT_EQ(http().post("/api/v1/jobs", huge).status, 413);
  EXPECT_EQ(http().get("/nothing").status, 404);
  EXPECT_EQ(http().get("/nothing").content_type, "application/problem+json");
  EXPECT_EQ(http().get("/api/v1/jobs/nothing").status, 404);
  EXPECT_EQ(http().get("/api/v1/jobs/%00%ff%2e%2e").status, 404);
  EXPECT_EQ(http().send("DELETE", "/healthz").status, 405);
  EXPECT_EQ(http().send("PUT", "/api/v1/jobs", "x").status, 405);
  EXPECT_EQ(http().send("DELETE", "/api/v1/jobs/x?delete_topics=maybe").status, 400);
  EXPECT_EQ(http().get("/api/v1/events?after=-1").status, 400);
  EXPECT_EQ(http().get("/api/v1/events?limit=x").status, 400);
  EXPECT_EQ(http().get("/api/v1/events?after=999999999999999999999").status, 400);
  EXPECT_EQ(http().post("/api/v1/jobs", std::string("\xff\xfe\x00ride", 7)).status, 422);
  EXPECT_EQ(http().post("/api/v1/jobs?name=%ff%fe", "x: \xff").status, 422);
  for (const auto& bytes : {std::string("\x16\x03\x01 no http"), std::string("GET\r\n\r\n"), std::string("\r\n\r\n"),
                            std::string("POST /api/v1/jobs HTTP/1.1\r\nContent-Length: -5\r\n\r\n"),
                            std::string("POST /api/v1/jobs HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"),
                            std::string("POST /api/v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                            "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n",
                            "GET / HTTP/1.1\r\n" + std::string(100'000, 'h') + ": x\r\n\r\n"})
    http().raw(bytes);
  EXPECT_EQ(http().get("/readyz").status, 200);
}

TEST_F(MasterTest, ARequestWithoutALengthHasNoBody) {
  const std::string rest = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(http().raw("POST /api/v1/jobs/nothing/drain" + rest, false), HasSubstr("there is no job 'nothing'"));
  EXPECT_THAT(http().raw("DELETE /api/v1/jobs/nothing" + rest, false), HasSubstr("there is no job 'nothing'"));
}

TEST_F(MasterTest, AMethodThatIsNotServedIsAnsweredWithThoseThatAreAndHeadIsGetWithoutABody) {
  const std::string rest = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(http().raw("DELETE /healthz" + rest, false), HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(http().raw("PUT /api/v1/jobs" + rest, false), HasSubstr("Allow: POST, GET, HEAD\r\n"));
  const auto head = http().raw("HEAD /api/v1/jobs" + rest, false);
  EXPECT_THAT(head, ::testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(head, ::testing::EndsWith("\r\n\r\n")) << "no body";
  EXPECT_THAT(http().raw("HEAD /nothing" + rest, false), ::testing::StartsWith("HTTP/1.1 404"));
}

TEST_F(MasterTest, APageOfSomebodyElseGivesNoOrders) {
  const auto drain = [this](const std::string& headers) {
    return http().raw("POST /api/v1/jobs/nothing/drain HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n", false);
  };
  EXPECT_THAT(drain("Host: localhost:7800\r\nOrigin: http://evil.example\r\n"), HasSubstr("403"));
  EXPECT_THAT(drain("Host: evil.example\r\nOrigin: http://evil.example\r\n"), HasSubstr("403"));
  EXPECT_THAT(drain("Host: localhost:7800\r\nOrigin: http://localhost:7800\r\n"), HasSubstr("there is no job"));
}

}  // namespace
}  // namespace ride::master::test
