#include "worker/core/assignment_view.h"

#include <gtest/gtest.h>

#include "common/crash_note.h"

namespace ride::worker {
namespace {

using namespace stream;  // NOLINT: the records of the log

const WorkerId kMe{"w1#a"}, kOther{"w2#b"};
const JobName kJob{"street"};
const RunNumber kRun{1};
const StageName kStage{"blur"};

class OwnershipTest : public testing::Test {
 protected:
  void decide(DecisionBody body) { ownership.apply(Decision{"log", 1, "m", std::move(body)}); }
  void accept_job() {
    JobAccepted accepted;
    accepted.spec.job = kJob;
    accepted.spec.run = kRun;
    accepted.spec.stages.push_back({.name = "blur", .partitions = 4});
    decide(accepted);
  }
  void phase(JobPhase phase) { decide(JobPhaseChanged{kJob, kRun, phase, "", {}}); }
  void assign(WorkerId worker, std::int64_t epoch, std::vector<PartitionId> partitions) {
    decide(Assign{kJob, kRun, kStage, std::move(worker), Epoch{epoch}, std::move(partitions), "", {}});
  }
  AssignmentView ownership{kMe};
};

TEST_F(OwnershipTest, AJoinedWorkerIsWarmBeforeItOwnsAnything) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, true, ""});
  const auto duty = ownership.duty();
  EXPECT_EQ(duty.stage, (StageKey{kJob, kRun, kStage}));
  EXPECT_TRUE(duty.owns.empty());
}

TEST_F(OwnershipTest, ASnapshotReplacesWhateverWasKnown) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  assign(kMe, 1, {{0}, {1}});
  Snapshot snapshot;
  Snapshot::Job job{.phase = JobPhase::paused};
  job.spec.job = kJob;
  job.spec.run = RunNumber{2};
  job.spec.stages.push_back({.name = "blur", .partitions = 3});
  job.stages.push_back({.name = kStage, .epoch = {7}, .actives = {kMe, kOther}});
  job.stages[0].partitions = {{kMe, {}, {6}}, {kOther, {}, {7}}, {kMe, {}, {7}, true}};
  snapshot.jobs.push_back(job);
  for (auto& part : cut(snapshot, "s", 50)) {
    EXPECT_EQ(ownership.duty().stage, (StageKey{kJob, kRun, kStage})) << "not before its last part";
    decide(std::move(part));
  }
  const auto duty = ownership.duty();
  EXPECT_EQ(duty.stage, (StageKey{kJob, RunNumber{2}, kStage}));
  EXPECT_EQ(duty.owns, (std::map<PartitionId, Epoch>{{{0}, {6}}, {{2}, {7}}}));
  EXPECT_EQ(duty.releasing, std::set<PartitionId>{{2}});
  EXPECT_TRUE(duty.paused);
  EXPECT_EQ(ownership.job(kJob, kRun), nullptr);
  EXPECT_FALSE(duty.out);
  snapshot.out = {kMe};
  for (auto& part : cut(snapshot, "t")) decide(std::move(part));
  EXPECT_TRUE(ownership.duty().out);
}

TEST_F(OwnershipTest, TheLastAssignOfAPartitionDecides) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kMe, 1, {PartitionId{0}, PartitionId{1}});
  assign(kOther, 2, {PartitionId{1}});
  EXPECT_EQ(ownership.duty().owns, (std::map<PartitionId, Epoch>{{PartitionId{0}, Epoch{1}}}));
}

TEST_F(OwnershipTest, AnOldEpochDoesNotComeBack) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kOther, 5, {PartitionId{0}});
  assign(kMe, 4, {PartitionId{0}});
  EXPECT_TRUE(ownership.duty().owns.empty());
}

TEST_F(OwnershipTest, APausedJobIsOwnedButNotRead) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kMe, 1, {PartitionId{0}});
  phase(JobPhase::paused);
  EXPECT_TRUE(ownership.duty().paused);
  EXPECT_EQ(ownership.duty().owns.size(), 1U);
}

TEST_F(OwnershipTest, AFrameThatTwoWorkersEndedWithIsCondemned) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  decide(Strike{kJob,
                kRun,
                kStage,
                PartitionId{1},
                Offset{17},
                "gate/1/17",
                WorkerId{"w9#x"},
                "signal 11 on w9#x",
                1,
                false,
                {}});
  EXPECT_TRUE(ownership.duty().quarantined.empty()) << "once may be chance";
  decide(Strike{kJob,
                kRun,
                kStage,
                PartitionId{1},
                Offset{17},
                "gate/1/17",
                WorkerId{"w8#x"},
                "signal 11 on w9#x, it hung on w8#x",
                2,
                true,
                {}});
  EXPECT_EQ(ownership.duty().quarantined,
            (std::map<FramePlace, Quarantined>{
                {{PartitionId{1}, Offset{17}}, {"poison: signal 11 on w9#x, it hung on w8#x", 2}}}));
}

TEST_F(OwnershipTest, ARecordThatTwoWorkersEndedWithWhileTheyReadItIsNotEvenLookedAt) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  decide(Strike{
      kJob, kRun, kStage, PartitionId{1}, Offset{17}, kRecordBeingRead, WorkerId{"w8#x"}, "exit code 1", 2, true, {}});
  const auto quarantined = ownership.duty().quarantined;
  ASSERT_EQ(quarantined.size(), 1U);
  EXPECT_TRUE(quarantined.begin()->second.unread);
}

TEST_F(OwnershipTest, KnowsTheHighestSessionThatEachSourceWasGivenAlsoFromASnapshot) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  decide(AssignSource{
      .job = kJob, .run = kRun, .source = "gate", .producer = kOther, .session = SessionId{3}, .epoch = Epoch{1}});
  decide(AssignSource{
      .job = kJob, .run = kRun, .source = "gate", .producer = kMe, .session = SessionId{4}, .epoch = Epoch{2}});
  decide(AssignSource{
      .job = kJob, .run = RunNumber{9}, .source = "gate", .producer = kMe, .session = SessionId{7}, .epoch = Epoch{2}});
  EXPECT_EQ(ownership.duty().sessions, (std::map<std::string, SessionId>{{"gate", SessionId{4}}}));
  Snapshot snapshot;
  Snapshot::Job job{.phase = JobPhase::running};
  job.spec.job = kJob;
  job.spec.run = kRun;
  job.stages.push_back({.name = kStage, .actives = {kMe}});
  job.sources.push_back({.name = "gate", .session = SessionId{5}, .epoch = Epoch{3}});
  snapshot.jobs.push_back(job);
  for (auto& part : cut(snapshot, "s")) decide(std::move(part));
  EXPECT_EQ(ownership.duty().sessions, (std::map<std::string, SessionId>{{"gate", SessionId{5}}}));
}

TEST_F(OwnershipTest, ADrainTellsWhereATopicEndsThatOthersWriteAndASnapshotTellsItAgain) {
  JobAccepted accepted;
  accepted.spec = {
      .job = kJob, .run = kRun, .stages = {{.name = "blur", .topic = "plates", .partitions = 2, .adopt = AdoptSpec{}}}};
  decide(accepted);
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  EXPECT_TRUE(ownership.duty().ends.empty());
  const LogEnds ends = {{"plates", {Offset{7}, Offset{0}}}, {"others", {Offset{3}}}};
  decide(JobPhaseChanged{kJob, kRun, JobPhase::draining, "", {}, ends});
  const std::map<PartitionId, Offset> of_the_stage = {{{0}, Offset{7}}, {{1}, Offset{0}}};
  EXPECT_EQ(ownership.duty().ends, of_the_stage);
  Snapshot snapshot;
  snapshot.jobs.push_back({.spec = accepted.spec, .phase = JobPhase::draining, .ends = ends});
  snapshot.jobs[0].stages.push_back({.name = kStage, .actives = {kMe}});
  for (auto& part : cut(snapshot, "s")) decide(std::move(part));
  EXPECT_EQ(ownership.duty().ends, of_the_stage);
}

TEST_F(OwnershipTest, AnEndedJobLeavesNothingToDo) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kMe, 1, {PartitionId{0}});
  phase(JobPhase::completed);
  EXPECT_EQ(ownership.duty(), DesiredState{});
}

TEST_F(OwnershipTest, WhoIsDeclaredLostIsOutForEver) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kMe, 1, {PartitionId{0}});
  decide(WorkerOut{kMe, "lost", {}});
  assign(kMe, 2, {PartitionId{0}});
  EXPECT_TRUE(ownership.duty().out);
  EXPECT_EQ(ownership.duty().out_reason, "lost");
  EXPECT_FALSE(ownership.duty().refused);
  EXPECT_TRUE(ownership.duty().owns.empty());
}

TEST_F(OwnershipTest, WhoseNameIsTakenIsToldSo) {
  decide(WorkerOut{.worker = kMe, .reason = "the name is taken", .refused = true});
  EXPECT_TRUE(ownership.duty().out);
  EXPECT_TRUE(ownership.duty().refused);
  EXPECT_EQ(ownership.duty().out_reason, "the name is taken");
}

TEST_F(OwnershipTest, WhatIsAskedBackFromItsOwnerBeforeIsKept) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kOther, 1, {{0}, {1}});
  assign(kMe, 2, {{1}});
  decide(Releasing{kJob, kRun, kStage, kOther, {{0}, {1}}, {}, ""});
  EXPECT_TRUE(ownership.duty().releasing.empty());
  EXPECT_EQ(ownership.duty().owns, (std::map<PartitionId, Epoch>{{{1}, {2}}}));
}

TEST_F(OwnershipTest, ACondemnedFrameStaysCondemnedBehindASnapshot) {
  Snapshot snapshot;
  Snapshot::Job job{.phase = JobPhase::running};
  job.spec.job = kJob;
  job.spec.run = kRun;
  job.spec.stages.push_back({.name = "blur", .partitions = 1});
  job.stages.push_back({.name = kStage, .epoch = {7}, .actives = {kMe}});
  job.stages[0].partitions = {{kMe, {}, {7}}};
  job.stages[0].strikes = {
      {kJob, kRun, kStage, {0}, {17}, "gate/1/17", WorkerId{"w8#x"}, "signal 11 on w8#x", 1, false, {}},
      {kJob, kRun, kStage, {0}, {29}, "gate/1/29", WorkerId{"w9#x"}, "it hung on w9#x", 2, true, {}}};
  snapshot.jobs.push_back(job);
  for (auto& part : cut(snapshot, "s")) decide(std::move(part));
  const auto quarantined = ownership.duty().quarantined;
  ASSERT_EQ(quarantined.size(), 1U);
  EXPECT_EQ(quarantined.begin()->first, (FramePlace{{0}, {29}}));
  EXPECT_EQ(quarantined.begin()->second.reason, "poison: it hung on w9#x");
}

TEST_F(OwnershipTest, AReleasingPartitionIsNamed) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kMe, 1, {PartitionId{0}, PartitionId{1}});
  decide(Releasing{kJob, kRun, kStage, kMe, {PartitionId{1}}, {}, ""});
  EXPECT_EQ(ownership.duty().releasing, std::set<PartitionId>{PartitionId{1}});
}

TEST_F(OwnershipTest, AnotherWorkersReleaseTakesNothingFromUs) {
  accept_job();
  decide(JoinGroup{kMe, kJob, kRun, kStage, false, ""});
  phase(JobPhase::running);
  assign(kMe, 2, {PartitionId{0}});
  decide(Releasing{kJob, kRun, kStage, kOther, {PartitionId{0}}, {}, ""});
  EXPECT_TRUE(ownership.duty().releasing.empty());
  EXPECT_EQ(ownership.duty().owns, (std::map<PartitionId, Epoch>{{PartitionId{0}, Epoch{2}}}));
}

TEST_F(OwnershipTest, WhoBeginsWithASnapshotKnowsTheCondemnedFrames) {
  Snapshot snapshot;
  Snapshot::Job job{.phase = JobPhase::running};
  job.spec.job = kJob;
  job.spec.run = kRun;
  job.stages.push_back({.name = kStage, .actives = {kMe}});
  const auto strike = [](std::int64_t offset, int count, bool condemned) {
    return Strike{kJob,  kRun,      kStage, PartitionId{1}, Offset{offset}, "gate/1/17", kOther, "signal 11",
                  count, condemned, {}};
  };
  job.stages[0].strikes = {strike(16, 1, false), strike(17, 2, true)};
  snapshot.jobs.push_back(job);
  for (auto& part : cut(snapshot, "s")) decide(std::move(part));
  EXPECT_EQ(ownership.duty().quarantined,
            (std::map<FramePlace, Quarantined>{{{PartitionId{1}, Offset{17}}, {"poison: signal 11", 2}}}));
}

}  // namespace
}  // namespace ride::worker
