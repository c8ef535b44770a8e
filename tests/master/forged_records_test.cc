// Records of both control topics that somebody made up, against the core: they change nothing, and what is decided goes
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include "master/core/admission.h"
#include "master/core/decide.h"
#include "master/core/decided.h"
#include "master/core/snapshot.h"
#include "stream/core/control_limits.h"

namespace ride::master::test {
namespace {

using stream::Decision;
using stream::DecisionBody;
using stream::kMostNumber;

const JobName kJob{"street"};
const RunNumber kRun{1};
const StageName kClean{"clean"};
const WorkerId kW1{"w1#a"}, kW2{"w2#a"}, kP1{"p1#a"};

stream::JobSpec job(const std::string& name = "street", std::int64_t run = 1) {
  stream::JobSpec spec{.job = {name}, .run = {run}};
  spec.sources.push_back({.name = "gate"});
  spec.stages.push_back({.name = "clean", .partitions = 2, .group = {.min = 2, .max = 2}});
  return spec;
}

class ForgedRecords : public ::testing::Test {
 protected:
  ForgedRecords() {
    decided(stream::Claim{1, "m", ""});
    decided(stream::JobAccepted{.spec = job()});
    decided(stream::JobPhaseChanged{kJob, kRun, stream::JobPhase::running, "", {}});
    for (const auto& worker : {kW1, kW2}) decided(stream::JoinGroup{worker, kJob, kRun, kClean, false, ""});
    decided(stream::Assign{kJob, kRun, kClean, kW1, Epoch{1}, {{0}}, "", {}});
    decided(stream::Assign{kJob, kRun, kClean, kW2, Epoch{2}, {{1}}, "", {}});
    decided(stream::AssignSource{kJob, kRun, "gate", kP1, SessionId{1}, Epoch{1}, "", {}});
    for (const auto& worker : {kW1, kW2}) beat(worker);
    beat(kP1, ProcessKind::producer);
  }
  void decided(DecisionBody body) {
    const Decision decision{"log", 1, "m", std::move(body)};
    ASSERT_EQ(apply(state, decision), Applied::counted) << stream::type_of(decision.body);
    ASSERT_TRUE(members.apply(decision)) << "members agree with the master";
  }
  // As it comes from the log; nothing: it is refused before anybody looks at what it says.
  std::optional<Applied> read(const Decision& forged) {
    const auto decoded = stream::decode_decision(stream::encode(forged));
    if (!decoded.ok()) return std::nullopt;
    return apply(state, *decoded);
  }
  // It changes nothing, neither for the master nor for members.
  void expect_void(const DecisionBody& body) {
    const Decision decision{"log", 1, "m", body};
    const auto before = state.hard;
    EXPECT_EQ(read(decision), Applied::contradiction) << stream::encode(decision);
    EXPECT_EQ(state.hard, before);
    EXPECT_FALSE(members.apply(decision));
  }
  std::vector<DecisionBody> hear(stream::ReportBody body) { return handle({ReportRead{std::move(body), now}}); }
  // Of processes that nobody knows, as many at once as the owner takes.
  void hear_strangers(int count, const std::string& name = "x{}#1") {
    for (int i = 0; i < count; i += 500) {
      std::vector<Event> events;
      for (int j = i; j < std::min(count, i + 500); ++j)
        events.emplace_back(ReportRead{stream::Heartbeat{.id = WorkerId{fmt::format(fmt::runtime(name), j)}}, now});
      handle(events);
    }
  }
  std::vector<DecisionBody> handle(const std::vector<Event>& events) {
    std::vector<DecisionBody> all;
    for (const auto& action : decide(state, events, now)) {
      if (const auto* append = std::get_if<Append>(&action))
        all.insert(all.end(), append->decisions.begin(), append->decisions.end());
      if (const auto* notify = std::get_if<Notify>(&action)) notified.push_back(notify->code);
    }
    for (const auto& one : all) decided(one);
    return all;
  }
  std::vector<DecisionBody> beat(const WorkerId& id, ProcessKind kind = ProcessKind::worker,
                                 const std::string& node = "") {
    return hear(stream::Heartbeat{.id = id, .kind = kind, .node = {node}});
  }
  std::vector<DecisionBody> tick() {
    now += std::chrono::milliseconds(100);
    return hear(stream::Tick{1, "m", ++ticks});
  }
  stream::SnapshotPart whole(stream::Snapshot snapshot) {
    auto parts = stream::cut(snapshot, "s");
    EXPECT_EQ(parts.size(), 1u);
    return parts.front();
  }

  State state;
  Decided members;
  SystemTime now{std::chrono::seconds(1'800'000'000)};
  std::int64_t ticks = 0;
  std::vector<std::string> notified;
};

TEST_F(ForgedRecords, ChangeNothingAndWhatIsDecidedNextCounts) {
  const auto ours = [](DecisionBody body) { return Decision{"log", 1, "m", std::move(body)}; };
  auto huge = job("other");
  huge.stages[0].partitions = 2'000'000'000;
  auto other_task = job();
  other_task.stages[0].task = "other";
  auto odd = capture(state.hard);
  auto lacks_a_stage = odd, other_claim = odd, of_the_dead = odd, many_partitions = odd, same_order = odd;
  lacks_a_stage.jobs[0].stages.clear();
  other_claim.claim.epoch = 1 << 30;
  of_the_dead.out = {kW1};
  many_partitions.jobs[0].stages[0].partitions.resize(500);
  same_order.jobs.push_back(same_order.jobs[0]);
  same_order.jobs[1].spec.job = {"yard"};
  same_order.runs["yard"] = 1;
  const std::vector<std::pair<std::string, Decision>> forged = {
      {"of another log", {"evil", 1, "m", stream::WorkerOut{kW1, "", false, {}}}},
      {"a claim of another log", {"evil", 2, "x", stream::Claim{2, "x", ""}}},
      {"the last epoch", ours(stream::Claim{INT64_MAX, "x", ""})},
      {"the last epoch that can be read", ours(stream::Claim{kMostNumber, "x", ""})},
      {"an epoch far ahead", ours(stream::Claim{3, "x", ""})},
      {"a job of 2,000,000,000 partitions", ours(stream::JobAccepted{huge, "", {}})},
      {"a run far ahead", ours(stream::JobAccepted{job("other", kMostNumber), "", {}})},
      {"a job that runs already", ours(stream::JobAccepted{job("street", 2), "", {}})},
      {"another task for a job that runs", ours(stream::JobChanged{other_task, "", "", {}})},
      {"a run that follows far ahead", ours(stream::JobQueued{job("street", kMostNumber), "", "", {}})},
      {"an epoch of a partition far ahead",
       ours(stream::Assign{kJob, kRun, kClean, kW1, Epoch{kMostNumber}, {{0}}, "", {}})},
      {"an epoch of a partition that does not rise",
       ours(stream::Assign{kJob,
                           kRun,
                           kClean,
                           kW1,
                           state.hard.find(StageKey{kJob, kRun, kClean})->partitions[0].epoch,
                           {{0}},
                           "",
                           {}})},
      {"an epoch of a partition that falls", ours(stream::Assign{kJob, kRun, kClean, kW1, Epoch{0}, {{0}}, "", {}})},
      {"a partition that is not there", ours(stream::Assign{kJob, kRun, kClean, kW1, Epoch{3}, {{7}}, "", {}})},
      {"a worker of no group", ours(stream::Assign{kJob, kRun, kClean, WorkerId{"x"}, Epoch{3}, {{0}}, "", {}})},
      {"a source's epoch far ahead",
       ours(stream::AssignSource{kJob, kRun, "gate", kP1, {1}, Epoch{kMostNumber}, "", {}})},
      {"a source's epoch that does not rise",
       ours(stream::AssignSource{
           kJob, kRun, "gate", kP1, {1}, state.hard.find(kJob, kRun)->sources.at("gate").epoch, "", {}})},
      {"a source's epoch that falls", ours(stream::AssignSource{kJob, kRun, "gate", kP1, {1}, Epoch{0}, "", {}})},
      {"a session far ahead", ours(stream::AssignSource{kJob, kRun, "gate", kP1, {kMostNumber}, Epoch{2}, "", {}})},
      {"another worker's partition asked back", ours(stream::Releasing{kJob, kRun, kClean, kW2, {{0}, {1}}, now, ""})},
      {"a group larger than its partitions", ours(stream::Scale{kJob, kRun, kClean, 3, false, "", {}})},
      {"a group of nobody", ours(stream::Scale{kJob, kRun, kClean, 0, false, "", {}})},
      {"a strike at no partition", ours(stream::Strike{kJob, kRun, kClean, {9}, {1}, "", kW1, "", 1, true, {}})},
      {"a snapshot that is no text", ours(stream::SnapshotPart{"s", 1, 1, "{ no json"})},
      {"a snapshot of another version", ours(stream::SnapshotPart{"s", 1, 1, R"({"version": 2})"})},
      {"an empty snapshot", ours(stream::SnapshotPart{"s", 1, 1, R"({"version": 1})"})},
      {"a snapshot that lacks a stage", ours(whole(lacks_a_stage))},
      {"a snapshot with another claim", ours(whole(other_claim))},
      {"a snapshot in which the dead work", ours(whole(of_the_dead))},
      {"a snapshot with other partitions", ours(whole(many_partitions))},
      {"a snapshot with two firsts", ours(whole(same_order))}};
  const auto before = state.hard;
  for (const auto& [what, decision] : forged) {
    const auto applied = read(decision);
    EXPECT_TRUE(!applied || *applied != Applied::counted) << what;
    EXPECT_EQ(state.hard, before) << what;
  }
  for (const auto& [what, decision] : forged) {
    if (decision.log != "log" || std::holds_alternative<stream::Claim>(decision.body)) continue;  // the filter's work
    if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body); part != nullptr && part->text.size() < 20)
      continue;
    if (!stream::decode_decision(stream::encode(decision)).ok()) continue;
    EXPECT_FALSE(members.apply(decision)) << what << ": members pass it over, too";
  }
  decided(stream::Assign{kJob, kRun, kClean, kW1, Epoch{3}, {{0}}, "", {}});
  decided(whole(capture(state.hard)));
  EXPECT_EQ(apply(state, {"log", 2, "b", stream::Claim{2, "b", ""}}), Applied::counted);
}

TEST_F(ForgedRecords, WhoIsOutGetsNoWorkAnyMore) {
  const WorkerId worker{"w3#a"}, producer{"p2#a"};
  for (const auto& id : {worker, producer}) decided(stream::WorkerOut{id, "gone", false, {}});
  expect_void(stream::JoinGroup{worker, kJob, kRun, kClean, false, ""});
  expect_void(stream::JoinGroup{worker, kJob, kRun, kClean, true, ""});
  expect_void(stream::AssignSource{kJob, kRun, "gate", producer, SessionId{1}, Epoch{2}, "", {}});
  decided(stream::AssignSource{kJob, kRun, "gate", WorkerId{"p3#a"}, SessionId{1}, Epoch{2}, "", {}});
}

TEST_F(ForgedRecords, OneEndStrikesOnce) {
  const auto strike = [](const WorkerId& worker) {
    return stream::Strike{kJob, kRun, kClean, {0}, {7}, "gate/1/7", worker, "signal 11", 1, false, {}};
  };
  decided(strike(WorkerId{"x#1"}));
  expect_void(strike(WorkerId{"x#1"}));
  decided(strike(WorkerId{"x#2"}));
  expect_void(strike(WorkerId{"x#1"}));
  const auto& strikes = state.hard.find(StageKey{kJob, kRun, kClean})->strikes;
  EXPECT_EQ(strikes.at({PartitionId{0}, Offset{7}}).workers, (std::vector<WorkerId>{{"x#1"}, {"x#2"}}));
}

// Topics, files and commits of an earlier run are named by its number.
TEST_F(ForgedRecords, TheNumberOfARunIsNotUsedAgain) {
  expect_void(stream::JobQueued{job("street", 1), "", "", {}});
  decided(stream::JobPhaseChanged{kJob, kRun, stream::JobPhase::completed, "", {}});
  expect_void(stream::JobAccepted{job("street", 1), "", {}});
  decided(stream::JobAccepted{job("street", 2), "", {}});
}

// By itself a job that is over has nobody; a snapshot may say otherwise.
TEST_F(ForgedRecords, AJobThatIsOverGetsNoOwners) {
  auto over = capture(state.hard);
  over.jobs[0].phase = stream::JobPhase::cancelled;
  decided(whole(over));
  ASSERT_NE(state.hard.member(kW1), nullptr);
  expect_void(stream::Assign{kJob, kRun, kClean, kW1, Epoch{3}, {{1}}, "", {}});
  expect_void(stream::AssignSource{kJob, kRun, "gate", kP1, SessionId{1}, Epoch{2}, "", {}});
  expect_void(stream::JoinGroup{WorkerId{"w3#a"}, kJob, kRun, kClean, false, ""});
}

TEST_F(ForgedRecords, OfAJobThatIsTooLargeAreNotWrittenEither) {
  auto huge = job("other");
  for (int i = 0; i < 60; ++i) huge.stages.push_back({.name = fmt::format("s{}", i), .partitions = 4096});
  const std::vector<Event> events{SubmitRequest{1, huge, ""}};
  const auto actions = decide(state, events, now);
  ASSERT_EQ(actions.size(), 1u);
  const auto& answer = std::get<Answer>(actions[0]);
  ASSERT_FALSE(answer.result.ok());
  EXPECT_THAT(answer.result.error().message, ::testing::HasSubstr("the partitions of all stages"));
}

TEST_F(ForgedRecords, StrikesAgainstOneFrameHaveAnEnd) {
  for (int i = 0; i < 300; ++i) {
    stream::ChildExit exit{.child = WorkerId{fmt::format("x#{}", i)}, .signal = 11};
    exit.frames = {{kJob, kRun, kClean, {0}, {7}, "f"}, {kJob, kRun, kClean, {5000}, {7}, "f"}};
    hear(exit);
  }
  const auto& strikes = state.hard.find(StageKey{kJob, kRun, kClean})->strikes;
  ASSERT_EQ(strikes.size(), 1u);
  EXPECT_TRUE(strikes.begin()->second.quarantined);
  EXPECT_EQ(strikes.begin()->second.workers.size(), 4u) << "what is quarantined is struck no more";
  for (int i = 0; i < 300; ++i)
    read({"log", 1, "m",
          stream::Strike{.job = kJob,
                         .run = kRun,
                         .stage = kClean,
                         .partition = {0},
                         .offset = {9},
                         .frame = "f",
                         .worker = WorkerId{fmt::format("x#{}", i)},
                         .cause = "forged",
                         .count = 1}});
  const auto forged = state.hard.find(StageKey{kJob, kRun, kClean})->strikes.find({PartitionId{0}, Offset{9}});
  ASSERT_NE(forged, state.hard.find(StageKey{kJob, kRun, kClean})->strikes.end());
  EXPECT_EQ(forged->second.workers.size(), kMostStrikesOfFrame);
}

TEST_F(ForgedRecords, CountersAtTheirLimitsOverflowNothing) {
  for (const std::int64_t value : {stream::kMostFrames, std::int64_t{0}, stream::kMostFrames}) {
    for (const auto& [worker, partition, epoch] : {std::tuple{kW1, 0, 1}, std::tuple{kW2, 1, 2}}) {
      stream::Heartbeat beat{.id = worker, .frames = value, .busy_seconds = 1e15};
      beat.partitions.push_back({.job = kJob,
                                 .run = kRun,
                                 .stage = kClean,
                                 .partition = {partition},
                                 .epoch = {epoch},
                                 .position = value,
                                 .committed = stream::kMostFrames - value,
                                 .end = value,
                                 .counters = {value, value, value, value, value, value}});
      hear(beat);
    }
    stream::Heartbeat feeder{.id = kP1, .kind = ProcessKind::producer};
    feeder.sources.push_back({.job = kJob, .run = kRun, .source = "gate", .session = {1}, .frames = value});
    hear(feeder);
    for (int i = 0; i < 12; ++i) {
      for (const auto& worker : {kW1, kW2}) beat(worker);
      beat(kP1, ProcessKind::producer);
      tick();
    }
  }
  EXPECT_EQ(find_violation(state.hard), std::nullopt);
}

TEST_F(ForgedRecords, TwentyThousandHeartbeatsOfNobodySlowNoTickAndHideNoLoss) {
  for (int i = 0; i < 5; ++i) {
    for (const auto& worker : {kW1, kW2}) beat(worker);
    beat(kP1, ProcessKind::producer);
    tick();
  }
  hear_strangers(20'000);
  EXPECT_LE(state.soft.processes.size(), 2'010u);
  EXPECT_LE(tick_interval(state).count(), 110);
  EXPECT_EQ(std::count(notified.begin(), notified.end(), "members_refused"), 1) << "notified, and once";
  EXPECT_GT(state.soft.admission.refused, 17'000);

  // One worker dies at the same time: it is replaced as soon as ever.
  std::vector<DecisionBody> decisions;
  for (int i = 0; i < 6; ++i) {
    beat(kW2);
    beat(kP1, ProcessKind::producer);
    const auto more = tick();
    decisions.insert(decisions.end(), more.begin(), more.end());
  }
  int out = 0;
  for (const auto& one : decisions)
    if (const auto* gone = std::get_if<stream::WorkerOut>(&one)) {
      ++out;
      EXPECT_TRUE(gone->worker == kW1 || gone->worker.value.starts_with("x")) << gone->worker.value;
    }
  EXPECT_GE(out, 1);
  EXPECT_LE(out, 3) << "of those who were never there, only who was taken into the group is declared lost";
  EXPECT_TRUE(state.hard.is_out(kW1));
  EXPECT_EQ(std::count(notified.begin(), notified.end(), "many_silent"), 0);
  for (int i = 0; i < 8; ++i) {
    beat(kW2);
    beat(kP1, ProcessKind::producer);
    tick();
  }
  EXPECT_LE(state.soft.processes.size(), 3u) << "all of them are forgotten";
  EXPECT_LE(state.soft.names.size(), 3u);
}

TEST_F(ForgedRecords, WhoAnAgentAnnouncedHasRoomWhenOthersHaveNone) {
  stream::Heartbeat agent{.id = WorkerId{"node#1"}, .kind = ProcessKind::agent, .node = {"n1"}};
  agent.labels = {{"slots", "4"}, {"producers", "999999999999999999999"}};
  hear(agent);
  tick();
  hear_strangers(3'000);
  for (int i = 0; i < 5; ++i) beat(WorkerId{fmt::format("n1-w{}#1", i)}, ProcessKind::worker, "n1");
  int of_the_node = 0;
  for (const auto& [id, process] : state.soft.processes) of_the_node += process.last.node.value == "n1";
  EXPECT_EQ(of_the_node, 1 + 4) << "the agent and as many as it has slots";
}

TEST_F(ForgedRecords, ManyIncarnationsOfOneNameAreStrangersToo) {
  hear_strangers(5'000, "x#{}");
  EXPECT_LE(state.soft.processes.size(), 10u);
  EXPECT_LE(state.hard.out->order.size(), 10u) << "nothing is decided about them";
}

TEST_F(ForgedRecords, AStandbyKeepsOneFatalNoticeForAJob) {
  for (int i = 0; i < 1'000; ++i) {
    const std::vector<Event> events{
        ReportRead{stream::Notice{.text = "gone", .job = "street", .fatal_for_job = true}, now}};
    stand_by(state, events);
  }
  EXPECT_EQ(state.soft.due.fatal.size(), 1u);
}

TEST_F(ForgedRecords, WhatAStrangerReportsIsKeptInPart) {
  stream::Heartbeat beat{.id = WorkerId{"x#1"}};
  beat.partitions.resize(5'000);
  beat.sources.resize(5'000);
  hear(beat);
  const auto& kept = state.soft.processes.at(beat.id).last;
  EXPECT_LE(kept.partitions.size(), 16u);
  EXPECT_LE(kept.sources.size(), 16u);
}

}  // namespace
}  // namespace ride::master::test
