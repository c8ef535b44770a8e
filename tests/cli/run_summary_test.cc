#include "cli/core/run_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/core/losses.h"
#include "cli/core/status_view.h"
#include "common/json.h"

namespace ride::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

Json finished_job() {
  return Json::parse(
      R"({"job": "street", "run": 2, "phase": "completed", "reason": "", "frames_in": 155, "frames_out": 155,
    "sources": [{"source": "gate", "frames": 155, "dropped": 0, "rejected": 2, "gaps": 1, "longest_gap_ms": 800}],
    "stages": [{"stage": "people", "sink": false, "acked": 155, "filtered": 3, "dead": 0, "lag": 0},
               {"stage": "album", "sink": true, "acked": 152, "lag": 0}]})");
}

TEST(RunSummary, IsGoodWhenAllCameThrough) {
  const auto verdict = judge(finished_job(), {}, false);
  EXPECT_TRUE(verdict.good) << ::testing::PrintToString(verdict.reasons);
  const RunFacts facts{.seconds = 31.24, .files = {{"album", "/tmp/out", 152, "gate/1/0.jpg", "gate/1/151.jpg"}}};
  EXPECT_EQ(render_summary(finished_job(), facts, verdict, {}),
            "\nstreet, run 2: completed after 31.2 s\n"
            "  source  gate         155 frames, 2 rejected (broken or too large), 1 gap, the longest 800 ms\n"
            "  stage   people       155 frames, 3 filtered\n"
            "  sink    album        152 frames\n"
            "  written by album: 152 files in /tmp/out: gate/1/0.jpg … gate/1/151.jpg\n"
            "no frame was lost\n");
}

TEST(RunSummary, ComplainsAboutDeadAndExpiredFrames) {
  Json job = finished_job();
  job["stages"][0]["dead"] = 1;
  job["stages"][1]["expired"] = 4;
  const auto verdict = judge(job, {}, false);
  EXPECT_FALSE(verdict.good);
  EXPECT_THAT(verdict.reasons, ElementsAre("stage 'people': 1 dead frame", "stage 'album': 4 expired frames"));
}

TEST(RunSummary, BearsDroppedFramesOnlyWhereTheFileAllowsThem) {
  Json job = finished_job();
  job["sources"][0]["dropped"] = 9;
  EXPECT_THAT(judge(job, {}, false).reasons, ElementsAre("source 'gate' dropped 9 frames"));
  EXPECT_TRUE(judge(job, {.may_drop = {"gate"}}, false).good);
}

TEST(RunSummary, CountsALossOnlyWhereItHappened) {
  Json job = finished_job();
  for (auto& stage : job["stages"]) {
    stage["rejected"] = 2;  // the two that the source refused travel on as outcomes
    stage["dead"] = 1;
  }
  job["stages"][1]["filtered"] = 3;
  const RunFacts facts{.upstreams = {{"people", {"gate"}}, {"album", {"people"}}}};
  const auto verdict = judge(job, facts, false);
  EXPECT_THAT(verdict.reasons, ElementsAre("stage 'people': 1 dead frame"));
  const auto text = render_summary(job, facts, verdict, {});
  EXPECT_THAT(text, HasSubstr("people       155 frames, 3 filtered, 1 dead\n"));
  EXPECT_THAT(text, HasSubstr("album        152 frames\n"));
}

// Three broken pictures of ten, and the sink's dropped are those: no loss, in whichever view.
TEST(RunSummary, WhatASourceRefusedIsNoLossAnywhere) {
  const Json job = Json::parse(R"({"job": "pics", "run": 1, "phase": "completed", "reason": "",
    "sources": [{"job": "pics", "source": "in", "frames": 7, "dropped": 0, "rejected": 3, "ended": true}],
    "stages": [{"job": "pics", "stage": "gray", "upstreams": ["in"], "acked": 7, "dropped": 0, "rejected": 3, "lag": 0},
               {"job": "pics", "stage": "album", "sink": true, "upstreams": ["gray"], "acked": 7, "dropped": 0,
                "rejected": 3, "lag": 0}]})");
  const auto verdict = judge(job, {}, false);
  EXPECT_TRUE(verdict.good) << ::testing::PrintToString(verdict.reasons);
  const auto text = render_summary(job, {}, verdict, {});
  EXPECT_THAT(text, HasSubstr("in           7 frames, 3 rejected (broken or too large)\n"));
  EXPECT_THAT(text, Not(HasSubstr("dropped")));
  EXPECT_THAT(text, HasSubstr("no frame was lost"));
  const auto line = render_line(job, job, job, "pics");
  EXPECT_THAT(line, HasSubstr("7 frames, 3 rejected (broken or too large)"));
  EXPECT_THAT(line, Not(HasSubstr("dropped")));
  const auto json = summary_to_json(job, {}, verdict);
  EXPECT_EQ(json["stages"][1]["dropped"], 0);
  EXPECT_EQ(json["stages"][1]["rejected"], 3);
  // One that the stage itself dropped is reported.
  Json worse = job;
  for (auto& stage : worse["stages"]) stage["dropped"] = 1;
  EXPECT_THAT(judge(worse, {}, false).reasons, ElementsAre("stage 'gray' dropped 1 frame"));
  const auto own = losses_of(worse["stages"][1], worse, worse);
  EXPECT_EQ(own.dropped, 0);
  EXPECT_EQ(own.rejected, 3);
}

// A camera cannot send again: what died with its producer is reported, and is not called sent.
TEST(RunSummary, FramesThatDiedWithTheirProducerAreTold) {
  Json job = finished_job();
  job["sources"][0]["unwritten"] = 2;
  const auto text = render_summary(job, {}, judge(job, {}, false), {});
  EXPECT_THAT(text, HasSubstr("2 captured and not written when their producer ended"));
  EXPECT_THAT(text, HasSubstr("no frame that reached Kafka was lost"));
}

TEST(RunSummary, AJobThatWasNotFinishedIsBadUnlessThePersonEndedIt) {
  Json job = finished_job();
  job["phase"] = "paused";
  EXPECT_FALSE(judge(job, {}, false).good);
  EXPECT_TRUE(judge(job, {}, true).good);
  job["phase"] = "failed";
  job["reason"] = "topic gone";
  EXPECT_THAT(judge(job, {}, true).reasons, ElementsAre("the job failed: topic gone"));
}

TEST(RunSummary, WhatWasShownAsItCameIsNotToldAgain) {
  Json job = finished_job();
  job["phase"] = "failed";
  job["reason"] = "source film: it is not a video";
  const RunFacts facts{.problems = {"error: source film: it is not a video"}, .problems_were_shown = true};
  const auto text = render_summary(job, facts, judge(job, facts, false), {});
  EXPECT_THAT(text, Not(HasSubstr("it is not a video")));
  EXPECT_THAT(text, HasSubstr("problem: the job failed (its cause is shown above)\n"));
  EXPECT_THAT(render_summary(job, {}, judge(job, {}, false), {}),
              HasSubstr("the job failed: source film: it is not a video"));
}

TEST(RunSummary, AReasonWithoutACauseIsNotToldAbove) {
  const RunVerdict verdict{.good = false, .reasons = {"source 'gate': "}};
  const auto text = render_reasons(verdict, {}, {"warning: the disk is full"});
  EXPECT_THAT(text, HasSubstr("problem: source 'gate': "));
  EXPECT_THAT(text, Not(HasSubstr("shown above")));
}

TEST(RunSummary, SaysWhatWaitsForTheNextTime) {
  Json job = finished_job();
  job["phase"] = "paused";
  job["stages"][0]["lag"] = 12;
  const auto text = render_summary(job, {}, judge(job, {}, true), {});
  EXPECT_THAT(text, HasSubstr("155 frames, 3 filtered, 12 waiting"));
  EXPECT_THAT(text, HasSubstr("12 frames wait in the topics: the next 'ride up' continues with what is there"));
  EXPECT_THAT(text, Not(HasSubstr("no frame was lost")));
}

TEST(RunSummary, TellsWhichFilesWereThereBefore) {
  const auto told = [](const WrittenFiles& files) {
    return render_summary(finished_job(), {.files = {files}}, {.good = true, .reasons = {}}, {});
  };
  WrittenFiles files{.sink = "album", .folder = "/out", .count = 20, .first = "1.jpg", .last = "20.jpg", .anew = 12};
  EXPECT_THAT(
      told(files),
      HasSubstr("album: 20 files in /out: 1.jpg … 20.jpg; 12 of them were there before, and were overwritten\n"));
  files.anew = 20;
  EXPECT_THAT(told(files), HasSubstr("; all of them were there before, and were overwritten\n"));
  files.anew = 1;
  EXPECT_THAT(told(files), HasSubstr("; 1 of them was there before, and was overwritten\n"));
  EXPECT_THAT(
      told({.sink = "p", .folder = "/x", .count = 1, .first = "p.txt", .last = "p.txt", .anew = 1, .appends = true}),
      HasSubstr("p: /x/p.txt; it was there before, and was added to\n"));
}

TEST(RunSummary, AsJsonHasStableKeys) {
  const RunFacts facts{.seconds = 2, .problems = {"warning: x"}};
  const auto json = summary_to_json(finished_job(), facts, judge(finished_job(), facts, false));
  EXPECT_EQ(json["job"], "street");
  EXPECT_EQ(json["phase"], "completed");
  EXPECT_EQ(json["good"], true);
  EXPECT_EQ(json["sources"][0]["rejected"], 2);
  EXPECT_EQ(json["stages"][1]["acked"], 152);
  EXPECT_EQ(json["problems"][0], "warning: x");
}

}  // namespace
}  // namespace ride::cli
