// Snapshots of the decisions: what they restore, and when they count (proof: a void one must count for nobody).
#include "master/core/snapshot.h"

#include <gtest/gtest.h>

#include "common/json.h"
#include "master/core/apply.h"
#include "master/core/decide.h"
#include "master/core/decided.h"

namespace ride::master::test {
namespace {

using stream::Decision;

Decision by(const std::string& leader, std::int64_t epoch, stream::DecisionBody body) {
  return {"log", epoch, leader, std::move(body)};
}

stream::JobAccepted job() {
  stream::JobAccepted accepted{.spec = {.job = {"street"}, .run = {3}},
                               .topology =
                                   "name: \"stra\xc3\x9f"
                                   "e\"\n"};
  accepted.spec.sources.push_back({.name = "gate"});
  accepted.spec.stages.push_back({.name = "clean", .partitions = 4});
  return accepted;
}

// A log with something of everything, under the claim of a.
std::vector<Decision> busy_log() {
  const JobName name{"street"};
  const RunNumber run{3};
  const StageName clean{"clean"};
  std::vector<Decision> log{by("a", 5, stream::Claim{5, "a", "host:1"}), by("a", 5, job())};
  const auto add = [&](stream::DecisionBody body) { log.push_back(by("a", 5, std::move(body))); };
  add(stream::JobPhaseChanged{name, run, stream::JobPhase::running, "ready", {}});
  for (const char* worker : {"w1#a", "w2#a"}) add(stream::JoinGroup{WorkerId{worker}, name, run, clean, false, ""});
  add(stream::JoinGroup{WorkerId{"w3#a"}, name, run, clean, true, ""});
  add(stream::Assign{name, run, clean, WorkerId{"w1#a"}, Epoch{1}, {{0}, {1}}, "", {}});
  add(stream::Assign{name, run, clean, WorkerId{"w2#a"}, Epoch{2}, {{2}, {3}}, "", {}});
  add(stream::AssignSource{name, run, "gate", WorkerId{"p1#a"}, SessionId{2}, Epoch{2}, "", {}});
  add(stream::Releasing{name, run, clean, WorkerId{"w2#a"}, {{3}}, SystemTime(std::chrono::seconds(9)), ""});
  add(stream::Strike{name, run, clean, {2}, Offset{7}, "gate/1/7", WorkerId{"w1#a"}, "signal 11", 1, false, {}});
  add(stream::Strike{name, run, clean, {2}, Offset{7}, "gate/1/7", WorkerId{"w0#a"}, "it hung", 2, true, {}});
  add(stream::WorkerOut{WorkerId{"w1#a"}, "gone", true, {}});
  auto next = job();
  next.spec.run = RunNumber{4};
  add(stream::JobPhaseChanged{
      name, run, stream::JobPhase::draining, "by hand", {}, {{"plates", {Offset{7}, Offset{0}}}}, {}});
  add(stream::JobQueued{next.spec, next.topology, "clean: task a → b", SystemTime(std::chrono::seconds(10))});
  return log;
}

State read(const std::vector<Decision>& log) {
  State state;
  for (const auto& decision : log) apply(state, decision);
  return state;
}

void append_snapshot(std::vector<Decision>& log, const State& state, const std::string& leader, std::int64_t epoch,
                     std::size_t part_bytes = 100) {
  for (auto& part : stream::cut(capture(state.hard), leader + "-1", part_bytes)) {
    auto encoded = stream::encode(by(leader, epoch, std::move(part)));
    log.push_back(stream::decode_decision(encoded).value());
  }
}

TEST(Snapshot, RestoresAllThatWasDecidedInAnyNumberOfParts) {
  for (const std::size_t part_bytes : {7u, 100u, 1'000'000u}) {
    const auto before = read(busy_log());
    std::vector<Decision> log;
    append_snapshot(log, before, "a", 5, part_bytes);
    State after;
    for (const auto& decision : log) EXPECT_EQ(apply(after, decision), Applied::counted);
    EXPECT_EQ(after.hard, before.hard);
    EXPECT_EQ(after.hard.claim.http, "host:1");
    EXPECT_EQ(after.hard.sessions.at({"street"}).at("gate"), SessionId{2});
    EXPECT_EQ(find_violation(after.hard), std::nullopt);
    EXPECT_EQ(after.soft.snapshot, "a-1");
    EXPECT_EQ(after.soft.records, 0);
  }
}

TEST(Snapshot, OfADeposedLeaderCountsForNobodySoNothingIsDeletedBehindIt) {
  auto log = busy_log();
  const auto known_to_a = read(log);
  log.push_back(by("b", 6, stream::Claim{6, "b", ""}));
  log.push_back(by("b", 6, stream::Assign{{"street"}, {3}, {"clean"}, WorkerId{"w3#a"}, Epoch{3}, {{0}}, "", {}}));
  const auto before = read(log);
  append_snapshot(log, known_to_a, "a", 5);  // a has not read the claim of b yet
  const auto after = read(log);
  EXPECT_EQ(after.hard, before.hard);
  EXPECT_TRUE(after.soft.snapshot.empty()) << "TruncateBehind would do nothing";
}

TEST(Snapshot, ThatAnotherClaimCutsInTwoIsNone) {
  auto log = busy_log();
  const auto state = read(log);
  std::vector<Decision> parts;
  append_snapshot(parts, state, "a", 5, 200);
  ASSERT_GT(parts.size(), 2u);
  log.insert(log.end(), parts.begin(), parts.begin() + 2);
  log.push_back(by("b", 6, stream::Claim{6, "b", ""}));
  log.insert(log.end(), parts.begin() + 2, parts.end());
  EXPECT_TRUE(read(log).soft.snapshot.empty());
}

TEST(Snapshot, IsWrittenWhenTheLogGrewAndTruncationWaitsForIt) {
  State state;
  state.rules.snapshot_records = 5;
  for (const auto& decision : busy_log()) apply(state, decision);
  const std::vector<Event> tick{ReportRead{stream::Tick{5, "a", 1}, {}}};
  const auto actions = decide(state, tick, {});
  const auto* append = std::get_if<Append>(&actions.at(0));
  ASSERT_NE(append, nullptr);
  std::vector<stream::SnapshotPart> parts;
  for (const auto& body : append->decisions)
    if (const auto* part = std::get_if<stream::SnapshotPart>(&body)) parts.push_back(*part);
  ASSERT_EQ(parts.size(), 1u);
  const auto* truncate = std::get_if<TruncateBehind>(&actions.back());
  ASSERT_NE(truncate, nullptr);
  EXPECT_NE(state.soft.snapshot, truncate->snapshot) << "not read back yet";
  for (const auto& body : append->decisions) apply(state, by("a", 5, body));
  EXPECT_EQ(state.soft.snapshot, truncate->snapshot);
  EXPECT_TRUE(decide(state, tick, {}).empty()) << "once is enough";
}

TEST(Snapshot, OnlyBehindOneThatCountsTheLogIsCutOff) {
  const auto log = busy_log();
  auto state = read(log);
  std::vector<Decision> snapshot;
  append_snapshot(snapshot, state, "a", 5);
  ASSERT_GT(snapshot.size(), 2u);
  const TruncateBehind order{"a-1"};
  SnapshotPlace place;
  std::int64_t at = 100;
  for (const auto& decision : snapshot) {
    EXPECT_EQ(place.behind(order, state), std::nullopt) << "not whole at " << at;
    place.read(std::get<stream::SnapshotPart>(decision.body), Offset{at++});
    apply(state, decision);
  }
  EXPECT_EQ(place.behind(order, state), Offset{100});
  EXPECT_EQ(place.behind(TruncateBehind{"a-2"}, state), std::nullopt);
}

TEST(Snapshot, OfAnotherVersionIsRefusedInWords) {
  stream::SnapshotAssembler assembler;
  const auto refused = assembler.add({"x", 1, 1, R"({"version": 99})"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_NE(refused.error().message.find("version 99"), std::string::npos);
  EXPECT_FALSE(assembler.add({"x", 1, 1, "{ no json"}).ok());
  State state;
  EXPECT_EQ(apply(state, by("a", 5, stream::SnapshotPart{"x", 1, 1, "[]"})), Applied::unreadable_snapshot);
}

stream::ArtifactRef weights() { return {"net.onnx", std::string(64, 'a'), 7, std::string(16, 'b'), 3}; }

std::int64_t version_in_log(const State& state) {
  std::string text;
  for (const auto& part : stream::cut(capture(state.hard), "s")) text += part.text;
  return nlohmann::json::parse(text).at("version").get<std::int64_t>();
}

// Version 1 is what programs that know of no files read.
TEST(Snapshot, WithFilesOfJobsIsOfAVersionThatEndsWhoWouldDropThemAndOthersAreReadByAll) {
  EXPECT_EQ(version_in_log(read(busy_log())), 1);
  auto accepted = job();
  accepted.spec.stages[0].artifacts["model"] = weights();
  EXPECT_EQ(version_in_log(read({by("a", 5, stream::Claim{5, "a", ""}), by("a", 5, accepted)})), 2);
  auto log = busy_log();
  accepted.spec.run = RunNumber{4};
  log.back() = by("a", 5, stream::JobQueued{accepted.spec, "", "clean: another model", {}});
  const auto waiting = read(log);
  EXPECT_EQ(version_in_log(waiting), 2) << "the run that waits brings one";
  std::vector<Decision> snapshot;
  append_snapshot(snapshot, waiting, "a", 5);
  EXPECT_EQ(read(snapshot).hard, waiting.hard);
}

TEST(Snapshot, ThatLostTheFilesOfARunIsRefusedByWhoKnowsThem) {
  auto accepted = job();
  accepted.spec.stages[0].artifacts["model"] = weights();
  std::vector<Decision> log{by("a", 5, stream::Claim{5, "a", ""}), by("a", 5, accepted),
                            by("old", 6, stream::Claim{6, "old", ""})};
  auto forgetful = read(log);  // the standby of the version before, which took over
  forgetful.hard.jobs.at({"street"}).edit().spec = std::make_shared<const stream::JobSpec>(job().spec);
  const auto before = read(log);
  append_snapshot(log, forgetful, "old", 6, 1'000'000);
  auto state = before;
  EXPECT_EQ(apply(state, log.back()), Applied::unreadable_snapshot);
  EXPECT_EQ(state.hard, before.hard);
  Decided member;
  for (const auto& decision : log) EXPECT_EQ(member.apply(decision), &decision != &log.back());
}

TEST(FirstClaims, OfTwoMastersThatFoundTheLogEmptyOneLosesQuietly) {
  State state;
  EXPECT_EQ(apply(state, {"log-a", 1, "a", stream::Claim{1, "a", ""}}), Applied::counted);
  EXPECT_EQ(apply(state, {"log-b", 1, "b", stream::Claim{1, "b", ""}}), Applied::void_claim);
  EXPECT_EQ(state.hard.standing.leader(), "a");
  EXPECT_EQ(apply(state, {"log-b", 2, "b", stream::Claim{2, "b", ""}}), Applied::foreign_log);
}

}  // namespace
}  // namespace ride::master::test
