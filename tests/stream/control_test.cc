#include "stream/control.h"

#include <gtest/gtest.h>

#include "stream/core/job_phase.h"
#include "stream/core/leader_filter.h"
#include "stream/core/outcome_sums.h"

namespace ride::stream {
namespace {

JobSpec job() {
  JobSpec spec;
  spec.job = JobName{"street"};
  spec.run = RunNumber{3};
  spec.sources.push_back({.name = "gate",
                          .kind = "camera",
                          .uri = "rtsp://${USER}@gate",
                          .fps = 30,
                          .params = {{"loop", true}},
                          .outputs = {{.to = "blur", .topic = "ride.street.3.blur"}}});
  StageSpec stage;
  stage.name = "blur";
  stage.adopt = AdoptSpec{"raw", "9x9x1", "8u"};
  stage.params = {{"ksize", std::int64_t{61}}, {"sigma", 1.5}, {"mode", std::string("x")}};
  stage.group.labels = {{"zone", "a"}};
  spec.stages.push_back(stage);
  return spec;
}

TEST(ControlRecords, EveryDecisionIsReadBack) {
  const std::vector<DecisionBody> bodies = {
      Claim{4, "m1", "http://x"},
      JobAccepted{job(), "ride: v1\n", SystemTime(std::chrono::microseconds(5))},
      JobPhaseChanged{JobName{"street"},
                      RunNumber{3},
                      JobPhase::draining,
                      "by hand",
                      {},
                      {{"plates", {Offset{7}, Offset{0}}}},
                      {20, 19}},
      Assign{JobName{"street"},
             RunNumber{3},
             StageName{"blur"},
             WorkerId{"w#1"},
             Epoch{9},
             {PartitionId{0}, PartitionId{5}},
             "why",
             {}},
      Releasing{JobName{"street"}, RunNumber{3}, StageName{"blur"}, WorkerId{"w#1"}, {PartitionId{5}}, {}, "move"},
      AssignSource{JobName{"street"}, RunNumber{3}, "gate", WorkerId{"p#1"}, SessionId{2}, Epoch{1}, "", {}},
      JoinGroup{WorkerId{"w#1"}, JobName{"street"}, RunNumber{3}, StageName{"blur"}, true, "spare"},
      WorkerOut{WorkerId{"w#1"}, "lost", true, {}},
      SnapshotPart{"4-1", 2, 3, "{\"jobs\": [\"\u00e9"},
      Strike{JobName{"street"},
             RunNumber{3},
             StageName{"blur"},
             PartitionId{1},
             Offset{17},
             "gate/1/17",
             WorkerId{"w#1"},
             "signal 11",
             2,
             true,
             {}},
      Scale{JobName{"street"}, RunNumber{3}, StageName{"blur"}, 4, true, "2 → 4: on request", {}},
      JobChanged{job(), "ride: v1\n", "blur: group.max 2 → 6", {}},
      JobQueued{job(), "ride: v1\n", "blur: task a → b", SystemTime(std::chrono::microseconds(5))}};
  for (const auto& body : bodies) {
    const Decision decision{"log-1", 4, "m1", body};
    EXPECT_EQ(decode_decision(encode(decision)).value(), decision) << body.index();
  }
}

TEST(ControlRecords, EveryReportIsReadBack) {
  Heartbeat beat;
  beat.id = WorkerId{"w#1"};
  beat.kind = ProcessKind::producer;
  beat.children = {WorkerId{"n-w1#1"}, WorkerId{"n-w2#2"}};
  beat.host = "pc1";
  beat.started = SystemTime(std::chrono::microseconds(5));
  beat.partitions.push_back(
      {.job = JobName{"j"}, .partition = PartitionId{3}, .committed = 17, .counters = {.acked = 5}});
  beat.sources.push_back({.source = "gate", .fps = 29.9, .last_frame = SystemTime(std::chrono::microseconds(77))});
  const std::vector<ReportBody> bodies = {Tick{1, "m", 7},
                                          beat,
                                          ChildExit{.signal = 9,
                                                    .cause = ExitCause::hang,
                                                    .frames = {{JobName{"street"}, RunNumber{3}, StageName{"blur"},
                                                                PartitionId{1}, Offset{17}, "gate/1/17"}}},
                                          Goodbye{WorkerId{"w#1"}, "bye"},
                                          Released{.worker = WorkerId{"w#1"}, .partitions = {PartitionId{1}}},
                                          Notice{.severity = Severity::error, .code = "x", .text = "bad bytes \xff"}};
  for (const auto& body : bodies) {
    const auto decoded = decode_report(encode(Report{"log-1", body}));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->body.index(), body.index());
    if (!std::holds_alternative<Notice>(body)) {
      EXPECT_EQ(decoded->body, body);
    }
  }
}

// Readers of an earlier version know neither field, and would refuse a cause that they do not know.
TEST(ControlRecords, WhatIsNewStandsInFieldsOfItsOwn) {
  const ChildExit exit{.child = WorkerId{"w#1"}, .exit_code = 75, .orderly = true};
  const auto text = encode(Report{"log", exit});
  EXPECT_NE(text.find("\"cause\":\"itself\""), std::string::npos) << text;
  EXPECT_EQ(std::get<ChildExit>(decode_report(text).value().body), exit);
  const Decision refused{"log", 1, "m", WorkerOut{.worker = WorkerId{"w#1"}, .reason = "taken", .refused = true}};
  EXPECT_EQ(decode_decision(encode(refused)).value(), refused);
  const auto earlier = decode_report(R"({"type":"child_exit","log":"log","child":"w#1","signal":11,"cause":"itself"})");
  ASSERT_TRUE(earlier.ok()) << earlier.error().message;
  EXPECT_FALSE(std::get<ChildExit>(earlier->body).orderly);
}

TEST(ControlRecords, GarbageAndUnknownTypesAreRefusedWithoutACrash) {
  for (const auto* text :
       {"", "{", "[]", "{}", "{\"type\":\"dance\"}", "{\"type\":\"assign\",\"epoch\":\"x\"}", "\xff\xfe"}) {
    EXPECT_FALSE(decode_decision(text).ok()) << text;
    EXPECT_FALSE(decode_report(text).ok()) << text;
  }
}

TEST(JobPhase, ARunThatIsOverGoesOnNoMore) {
  for (const auto phase : {JobPhase::creating, JobPhase::running, JobPhase::paused, JobPhase::draining})
    EXPECT_FALSE(phase_is_over(phase)) << to_string(phase);
  for (const auto phase : {JobPhase::completed, JobPhase::cancelled, JobPhase::failed})
    EXPECT_TRUE(phase_is_over(phase)) << to_string(phase);
}

TEST(OutcomeCounters, EachIsSummedAndARepeatedRecordIsNoFrame) {
  OutcomeCounters sum{.acked = 1, .filtered = 2, .dropped = 3, .dead = 4, .expired = 5, .duplicates = 6};
  sum += {.acked = 10, .filtered = 20, .dropped = 30, .dead = 40, .expired = 50, .duplicates = 60};
  EXPECT_EQ(sum,
            (OutcomeCounters{.acked = 11, .filtered = 22, .dropped = 33, .dead = 44, .expired = 55, .duplicates = 66}));
  EXPECT_EQ(finished(sum), 11 + 22 + 33 + 44 + 55);
}

TEST(LeaderFilter, TheFirstClaimOfAnEpochWinsAndOthersRecordsAreVoid) {
  LeaderFilter standing;
  const auto by = [](std::int64_t epoch, const std::string& leader, DecisionBody body) {
    return Decision{"log", epoch, leader, std::move(body)};
  };
  const WorkerOut out{WorkerId{"w"}, "", {}};
  EXPECT_TRUE(standing.counts(by(5, "a", Claim{5, "a", ""})));
  EXPECT_FALSE(standing.counts(by(5, "b", Claim{5, "b", ""})));
  EXPECT_TRUE(standing.counts(by(5, "a", out)));
  EXPECT_FALSE(standing.counts(by(5, "b", out)));
  EXPECT_TRUE(standing.counts(by(6, "b", Claim{6, "b", ""})));
  EXPECT_FALSE(standing.counts(by(5, "a", out))) << "a deposed leader decides nothing";
}

TEST(LeaderFilter, AClaimThatLeavesEpochsOutDoesNotWinAndIsKnownAsNoMastersOwn) {
  LeaderFilter standing;
  const auto claim = [](std::int64_t epoch) { return Decision{"log", epoch, "b", Claim{epoch, "b", ""}}; };
  EXPECT_FALSE(standing.is_ahead(claim(9))) << "a log may begin anywhere";
  EXPECT_TRUE(standing.counts(Decision{"log", 5, "a", Claim{5, "a", ""}}));
  EXPECT_FALSE(standing.counts(claim(7)));
  EXPECT_TRUE(standing.is_ahead(claim(7)));
  EXPECT_FALSE(standing.is_ahead(claim(6))) << "the next one";
  EXPECT_FALSE(standing.is_ahead(claim(5))) << "one that came too late";
  EXPECT_EQ(standing.epoch(), 5);
}

TEST(LeaderFilter, RecordsOfAnotherLogDoNotCount) {
  LeaderFilter standing;
  EXPECT_TRUE(standing.counts(Decision{"log-1", 1, "a", Claim{1, "a", ""}}));
  EXPECT_FALSE(standing.counts(Decision{"log-2", 2, "b", Claim{2, "b", ""}}));
}

}  // namespace
}  // namespace ride::stream
