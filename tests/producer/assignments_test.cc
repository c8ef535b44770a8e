#include "producer/core/assignments.h"

#include <gtest/gtest.h>

namespace ride::producer {
namespace {

using namespace stream;  // NOLINT: a test of its records

class AssignmentsTest : public testing::Test {
 protected:
  void apply(DecisionBody body) {
    assignments_.apply({.log = "log", .epoch = 1, .leader = "m", .body = std::move(body)});
  }
  void accept(std::int64_t run) {
    JobSpec spec{.job = JobName{"job"}, .run = RunNumber{run}};
    spec.sources = {{.name = "gate"}, {.name = "yard"}};
    apply(JobAccepted{.spec = spec});
  }
  void phase(std::int64_t run, JobPhase phase) {
    apply(JobPhaseChanged{.job = JobName{"job"}, .run = RunNumber{run}, .phase = phase});
  }
  void assign(std::int64_t run, const std::string& source, const std::string& producer, std::int64_t session,
              std::int64_t epoch) {
    apply(AssignSource{.job = JobName{"job"},
                       .run = RunNumber{run},
                       .source = source,
                       .producer = WorkerId{producer},
                       .session = SessionId{session},
                       .epoch = Epoch{epoch}});
  }
  // "gate/1 run" for each source that is ours.
  std::string mine() const {
    std::string text;
    for (const auto& [key, assignment] : assignments_.mine()) {
      const char* mode = assignment.mode == SourceMode::run     ? "run"
                         : assignment.mode == SourceMode::pause ? "pause"
                                                                : "drain";
      text += key.source + "/" + std::to_string(assignment.session.value) + " " + mode + ";";
    }
    return text;
  }
  Assignments assignments_{WorkerId{"p#1"}};
};

TEST_F(AssignmentsTest, ASourceIsOursFromItsAssignmentToItsNext) {
  accept(1);
  assign(1, "gate", "p#1", 1, 1);
  EXPECT_EQ(mine(), "") << "its topics are being made";
  phase(1, JobPhase::running);
  EXPECT_EQ(mine(), "gate/1 run;");
  assign(1, "yard", "p#1", 4, 2);
  EXPECT_EQ(mine(), "gate/1 run;yard/4 run;");
  assign(1, "gate", "q#9", 2, 3);
  EXPECT_EQ(mine(), "yard/4 run;");
  assign(1, "gate", "p#1", 3, 4);
  EXPECT_EQ(mine(), "gate/3 run;yard/4 run;");
  assign(1, "yard", "", 5, 5);
  EXPECT_EQ(mine(), "gate/3 run;");
}

TEST_F(AssignmentsTest, KnowsWhichItemsOfItsSourcesEndedProducers) {
  const auto strike = [&](const std::string& source, std::int64_t offset, const std::string& cause, bool quarantined) {
    apply(Strike{.job = JobName{"job"},
                 .run = RunNumber{1},
                 .stage = StageName{source},
                 .partition = PartitionId{2},
                 .offset = Offset{offset},
                 .cause = cause,
                 .condemned = quarantined});
  };
  accept(1);
  phase(1, JobPhase::running);
  strike("gate", 7, "signal 6 on a", false);
  strike("gate", 7, "signal 6 on a, signal 6 on b", true);
  strike("gate", 8, "signal 6 on b", false);
  strike("people", 7, "of a stage", true);
  assign(1, "gate", "p#1", 1, 1);
  assign(1, "yard", "p#1", 1, 1);
  auto mine = assignments_.mine();
  EXPECT_TRUE((mine[{JobName{"job"}, RunNumber{1}, "yard"}].struck.empty()));
  auto& struck = mine[{JobName{"job"}, RunNumber{1}, "gate"}].struck;
  ASSERT_EQ(struck.size(), 2U);
  EXPECT_TRUE((struck[{PartitionId{2}, Offset{7}}].quarantined));
  EXPECT_EQ((struck[{PartitionId{2}, Offset{7}}].cause), "signal 6 on a, signal 6 on b");
  EXPECT_FALSE((struck[{PartitionId{2}, Offset{8}}].quarantined));
}

TEST_F(AssignmentsTest, FollowsThePhasesOfTheJob) {
  accept(1);
  assign(1, "gate", "p#1", 1, 1);
  phase(1, JobPhase::running);
  phase(1, JobPhase::paused);
  EXPECT_EQ(mine(), "gate/1 pause;");
  phase(1, JobPhase::running);
  EXPECT_EQ(mine(), "gate/1 run;");
  phase(1, JobPhase::draining);
  EXPECT_EQ(mine(), "gate/1 drain;");
  phase(1, JobPhase::completed);
  EXPECT_EQ(mine(), "");
}

TEST_F(AssignmentsTest, AnEndedRunNeverComesBackAndOtherRunsAreOthers) {
  accept(1);
  phase(1, JobPhase::running);
  assign(1, "gate", "p#1", 1, 1);
  phase(1, JobPhase::cancelled);
  phase(1, JobPhase::running);
  assign(1, "gate", "p#1", 2, 2);
  EXPECT_EQ(mine(), "");
  accept(2);
  phase(2, JobPhase::running);
  assign(2, "gate", "p#1", 1, 3);
  EXPECT_EQ(mine(), "gate/1 run;");
}

TEST_F(AssignmentsTest, AnOlderEpochChangesNothing) {
  accept(1);
  phase(1, JobPhase::running);
  assign(1, "gate", "p#1", 2, 7);
  assign(1, "gate", "q#1", 1, 6);
  EXPECT_EQ(mine(), "gate/2 run;");
}

TEST_F(AssignmentsTest, WhoIsOutOwnsNothingEverAgain) {
  accept(1);
  phase(1, JobPhase::running);
  assign(1, "gate", "p#1", 1, 1);
  apply(WorkerOut{.worker = WorkerId{"q#1"}});
  EXPECT_FALSE(assignments_.out());
  apply(WorkerOut{.worker = WorkerId{"p#1"}});
  EXPECT_TRUE(assignments_.out());
  assign(1, "gate", "p#1", 2, 2);
  EXPECT_EQ(mine(), "");
}

TEST_F(AssignmentsTest, SourcesAndJobsThatAreNotKnownAreLeftAlone) {
  assign(9, "gate", "p#1", 1, 1);
  phase(9, JobPhase::running);
  accept(1);
  phase(1, JobPhase::running);
  assign(1, "attic", "p#1", 1, 1);
  EXPECT_EQ(mine(), "");
}

TEST_F(AssignmentsTest, ASnapshotReplacesWhateverWasKnown) {
  accept(1);
  phase(1, JobPhase::running);
  assign(1, "gate", "p#1", 1, 1);
  Snapshot snapshot;
  Snapshot::Job job{.phase = JobPhase::draining};
  job.spec = {.job = JobName{"job"}, .run = RunNumber{2}};
  job.spec.sources = {{.name = "gate"}, {.name = "yard"}, {.name = "new"}};
  job.sources = {
      {"gate", WorkerId{"q#9"}, {}, {3}, {3}}, {"yard", WorkerId{"p#1"}, {}, {4}, {2}}, {"new", {}, {}, {}, {}}};
  snapshot.jobs = {job};
  for (auto& part : cut(snapshot, "s", 100)) {
    EXPECT_EQ(mine(), "gate/1 run;") << "not before its last part";
    apply(std::move(part));
  }
  EXPECT_EQ(mine(), "yard/4 drain;");
  assign(2, "new", "p#1", 1, 1);
  EXPECT_EQ(mine(), "new/1 drain;yard/4 drain;");
  snapshot.out = {WorkerId{"p#1"}};
  for (auto& part : cut(snapshot, "t")) apply(std::move(part));
  EXPECT_TRUE(assignments_.out());
}

}  // namespace
}  // namespace ride::producer
