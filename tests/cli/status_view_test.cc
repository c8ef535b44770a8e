#include "cli/core/status_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/core/change_view.h"
#include "common/json.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

ViewOptions at_noon() { return {.style = {}, .width = 0, .now = *parse_time("2026-11-21T12:00:00Z")}; }

const Json kJobs = Json::parse(R"({"jobs": [
  {"job": "street", "run": 3, "phase": "running", "reason": "", "submitted_at": "2026-11-21T11:59:00Z", "finite": false,
   "frames_in": 300, "frames_out": 299, "progress": null},
  {"job": "pictures", "run": 1, "phase": "failed", "reason": "topic gone", "submitted_at": "2026-11-21T10:00:00Z",
   "frames_in": 10, "frames_out": 5, "progress": 0.5}]})");

const Json kStages = Json::parse(R"({"stages": [
  {"job": "street", "stage": "people", "task": "detect_people", "partitions": 4, "workers": ["a#1"], "wanted": 2, "lag": 7,
   "acked": 293, "filtered": 0, "dropped": 0, "dead": 1, "expired": 0, "fps": 4.98, "oldest_unacked_ms": 210.4},
  {"job": "other", "stage": "x", "fps": 1}]})");

TEST(StatusView, ListsJobsWithAgeAndProgress) {
  const std::string text = render_jobs(kJobs, at_noon());
  EXPECT_THAT(text, HasSubstr("street      3  running  60 s ago"));
  EXPECT_THAT(text, HasSubstr("pictures    1  failed   2 h ago"));
  EXPECT_THAT(text, HasSubstr("50 %  topic gone"));
}

// Overload has no job, and explains what the job lost.
TEST(StatusView, OverloadConcernsEveryJob) {
  const auto event = [](const char* code, Json job) { return Json{{"code", code}, {"job", std::move(job)}}; };
  EXPECT_TRUE(concerns(event("frame_dead", "street"), "street"));
  EXPECT_FALSE(concerns(event("frame_dead", "other"), "street"));
  for (const char* code : {"overloaded", "overload_over", "many_silent"}) {
    EXPECT_TRUE(concerns(event(code, nullptr), "street")) << code;
    EXPECT_FALSE(concerns(event(code, "other"), "street")) << code;
  }
  EXPECT_FALSE(concerns(event("members_refused", nullptr), "street"));
}

TEST(StatusView, SaysThatThereAreNoJobs) {
  EXPECT_EQ(render_jobs(Json{{"jobs", Json::array()}}, at_noon()), "no jobs\n");
}

TEST(StatusView, ShowsOnlyTheStagesOfTheJob) {
  const std::string text = render_stages(kStages, "street", at_noon());
  EXPECT_THAT(text, HasSubstr("people  detect_people  1 of 2        -      5.0           -     -    7"));
  EXPECT_THAT(text, HasSubstr("210 ms"));
  EXPECT_THAT(text, Not(HasSubstr("other")));
}

TEST(StatusView, ShowsTheSizeOfAGroupItsSpeedAndWhyItIsSo) {
  const Json stages = Json::parse(R"({"stages": [{"job": "street", "stage": "clean", "task": "gaussian_blur",
    "workers": ["a#1", "b#1"], "wanted": 3, "min": 2, "max": 6, "held": true, "arrival_rate": 30.02, "fps": 23.8,
    "service_rate": 11.9, "utilisation": 0.97, "lag": 54, "lag_seconds": 1.8, "partitions": 12,
    "size_reason": "2 → 3: 30.0 fps in, 11.9 fps per worker, lag 1.8 s, drain in 10 s",
    "sized_at": "2026-11-21T11:59:57Z", "waiting": "the pool ran dry: clean has 2 of 3 workers; the pool has 2 workers"}]})");
  const std::string text = render_stages(stages, "street", at_noon());
  EXPECT_THAT(text, HasSubstr("2 of 2..6, wants 3, held"));
  EXPECT_THAT(text, HasSubstr("30.0     23.8        11.9  97 %  54 (1.8 s)"));
  EXPECT_THAT(text, HasSubstr("clean: the pool ran dry: clean has 2 of 3 workers; the pool has 2 workers\n"));
  EXPECT_THAT(text,
              HasSubstr("clean: 2 → 3: 30.0 fps in, 11.9 fps per worker, lag 1.8 s, drain in 10 s (3.0 s ago)\n"));
}

TEST(StatusView, AJobThatWaitsSaysForWhatInsteadOfWhyItBegan) {
  const Json jobs = Json::parse(R"({"jobs": [{"job": "street", "phase": "running", "reason": "topics are ready",
    "waiting": ["clean waits: no suitable worker is available"]}]})");
  EXPECT_THAT(render_jobs(jobs, at_noon()), HasSubstr("clean waits: no suitable worker is available"));
  EXPECT_THAT(render_jobs(jobs, at_noon()), Not(HasSubstr("topics are ready")));
}

TEST(StatusView, ANodeIsShownWithItsResourcesAndWhatIsUnknownIsNotZero) {
  const Json nodes =
      Json::parse(R"({"nodes": [{"node": "n1", "agent": "agent#1", "workers": 2, "cores": 8, "cpu_percent": 50,
    "memory_bytes": 8589934592, "memory_available": 4294967296, "devices": ["cpu", "gpu"]}, {"node": "n2", "devices": []},
    {"node": "n3", "devices": ["cpu"]}]})");
  const auto text = render_nodes(nodes, at_noon());
  EXPECT_THAT(text, HasSubstr("8192 MiB   4096 MiB  yes"));
  EXPECT_THAT(text, HasSubstr("-          -  -\n"));
  EXPECT_THAT(text, HasSubstr("none\n"));
  EXPECT_THAT(text, Not(HasSubstr("overloaded")));
}

TEST(StatusView, ANodeThatIsOverloadedIsToldBelowTheTable) {
  const Json nodes = Json::parse(R"({"nodes": [{"node": "vm", "late_ms": 900}, {"node": "idle", "late_ms": null}]})");
  EXPECT_THAT(render_nodes(nodes, at_noon()),
              testing::EndsWith("node vm is overloaded: heartbeats come 900 ms late\n"));
  EXPECT_EQ(render_overloads(Json::parse(R"({"nodes": [{"node": "vm", "late_ms": "x"}, 5]})"), at_noon()), "");
}

TEST(ChangeView, SaysWhatDiffersAndWhatHappens) {
  Json change = Json::parse(R"({"job": "street", "run": 3, "change": "replace", "next_run": 4, "begins_again": ["film"],
    "differences": [{"text": "clean: group.max 2 → 6", "at_once": true}, {"text": "clean: task a → b", "at_once": false}]})");
  EXPECT_EQ(
      render_change(change),
      "  clean: group.max 2 → 6\n  clean: task a → b   (needs a new run)\n"
      "needs a new run: run 3 is drained (its sources stop, all that is on its way is finished), then run 4 begins in "
      "topics of its own; no frame is lost, but what a camera shows in the meantime is not captured\n"
      "source 'film' is finite: the new run reads it again from its start\n");
  change["change"] = "at_once";
  EXPECT_THAT(render_change(change), HasSubstr("takes effect immediately, within run 3: nothing stops\n"));
  change["change"] = "none";
  change["differences"] = Json::array();
  EXPECT_EQ(render_change(change), "nothing differs from run 3, which keeps running\n");
}

TEST(StatusView, ShowsASourceThatIsNotConnectedWithItsReason) {
  const Json sources =
      Json::parse(R"({"sources": [{"job": "street", "source": "gate", "kind": "camera", "producer": "p#1",
      "connected": false, "fps": 0, "frames": 12, "total": null, "dropped": 0, "rejected": 0,
      "last_frame": "2026-11-21T11:59:57Z", "gaps": 2, "longest_gap_ms": 1500,
      "error": "cannot open rtsp://user:secret@gate/x: refused"}]})");
  const std::string text = render_sources(sources, "street", at_noon());
  EXPECT_THAT(text, HasSubstr("not connected"));
  EXPECT_THAT(text, HasSubstr("3.0 s"));
  EXPECT_THAT(text, HasSubstr("2 (longest 1.5s)"));
  EXPECT_THAT(text, HasSubstr("refused"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST(StatusView, BearsFieldsThatAreMissingNullOrOfAnotherType) {
  const Json strange =
      Json::parse(R"({"stages": [{"job": null, "stage": 7, "workers": null, "lag": "x"}], "sources": [3],
      "workers": [{}], "jobs": [[]], "nodes": [{"workers": 2}]})");
  EXPECT_NO_THROW({
    render_stages(strange, "", at_noon());
    render_sources(strange, "", at_noon());
    render_workers(strange, "", at_noon());
    render_jobs(strange, at_noon());
    render_nodes(strange, at_noon());
    render_event(strange, at_noon());
    render_line(strange, strange, strange, "x");
    render_job_head(strange, at_noon());
  });
  EXPECT_EQ(render_stages(Json(), "", at_noon()), "");
}

TEST(StatusView, WithoutATerminalALineSaysHowAJobFares) {
  const Json job = Json::parse(R"({"phase": "running",
    "sources": [{"job": "street", "source": "gate", "connected": true, "fps": 5, "frames": 20, "dropped": 2}],
    "stages": [{"job": "street", "stage": "people", "fps": 4.9, "acked": 18, "lag": 2, "dead": 1}]})");
  EXPECT_EQ(render_line(job, job, job, "street"),
            "street running | gate connected, 5.0 fps, 20 frames, 2 dropped | people 4.9 fps, 18 acked, lag 2, 1 dead");
}

TEST(StatusView, AnAgentsCpuIsItsNodes) {
  const Json workers = Json::parse(R"({"workers": [
    {"id": "n1#a", "name": "n1", "kind": "agent", "node": "n1", "state": "live", "cpu_percent": 200},
    {"id": "n1-w1#a", "name": "n1-w1", "kind": "worker", "node": "n1", "state": "live", "cpu_percent": 42}]})");
  const std::string text = render_workers(workers, "", at_noon());
  EXPECT_THAT(text, HasSubstr("200 % (node)"));
  EXPECT_THAT(text, Not(HasSubstr("42 % (node)")));
}

TEST(StatusView, AnEventIsOneLineWithPlaceAndWithoutSecrets) {
  const Json event =
      Json::parse(R"({"n": 4, "at": "2026-11-21T11:59:57.123456Z", "severity": "warning", "code": "camera_gap",
      "job": "street", "stage": "gate", "text": "rtsp://u:p@x is back after 1.5s"})");
  EXPECT_EQ(render_event(event, at_noon()),
            "2026-11-21T11:59:57Z warning street/gate: rtsp://***@x is back after 1.5s");
}

TEST(StatusView, RatesAndAgesReadWell) {
  EXPECT_EQ(format_rate(0), "0");
  EXPECT_EQ(format_rate(0.25), "0.25");
  EXPECT_EQ(format_rate(29.97), "30.0");
  EXPECT_EQ(format_rate(1234.5), "1234");
  const SystemTime now = *parse_time("2026-11-21T12:00:00Z");
  EXPECT_EQ(format_age({}, now), "never");
  EXPECT_EQ(format_age(now - std::chrono::milliseconds(250), now), "0.2 s");
  EXPECT_EQ(format_age(now + std::chrono::seconds(5), now), "0.0 s");
  EXPECT_EQ(format_age(now - std::chrono::minutes(50), now), "50 min");
}

TEST(StatusView, LivingWorkersComeFirstAndEarlierIncarnationsAreFolded) {
  Json workers = {{"workers", Json::array()}};
  const auto add = [&](const std::string& name, int incarnation, const char* state) {
    workers["workers"].push_back({{"id", name + "#" + std::to_string(incarnation)},
                                  {"name", name},
                                  {"kind", "worker"},
                                  {"state", state},
                                  {"pid", 100 + incarnation}});
  };
  for (int i = 0; i < 58; ++i) add("w1", i, "lost");
  add("w2", 58, "lost");
  add("w1", 59, "live");
  const auto text = render_workers(workers, "", at_noon());
  EXPECT_LT(text.find("w1"), text.find("w2"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4) << text;  // head, w1, w2, and the rest in a line
  EXPECT_THAT(text, HasSubstr("58 more that were lost or have ended ('ride status --all' shows them)\n")) << text;
  auto view = at_noon();
  view.all = true;
  const auto whole = render_workers(workers, "", view);
  EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 61) << whole;
  EXPECT_LT(whole.find("live"), whole.find("lost"));
}

TEST(StatusView, AnEventNamesItsPartOnceAndWhoToldItAtTheEnd) {
  const Json event = {{"at", "2026-11-21T11:59:57Z"},
                      {"severity", "warning"},
                      {"job", "blur"},
                      {"stage", "pics"},
                      {"text", "source pics: p02.jpg is truncated"},
                      {"from", "vm-p1#8bea7efaad73ba29"}};
  EXPECT_EQ(render_event(event, at_noon()),
            "2026-11-21T11:59:57Z warning blur: source pics: p02.jpg is truncated (vm-p1)");
  EXPECT_TRUE(names_its_part("stage edges cannot go on", "edges"));
  EXPECT_FALSE(names_its_part("stage edges2 cannot go on", "edges"));
  EXPECT_FALSE(names_its_part("edges: x", "edges"));
}

TEST(Leader, IsNamedAndSoIsAStandbyThatWasAsked) {
  const ViewOptions plain;
  const Json leads = {{"role", "leader"}, {"url", "http://a:1"}, {"epoch", 3}, {"leads", true}};
  EXPECT_EQ(render_leader(leads, "http://a:1", plain), "led by http://a:1, epoch 3\n");
  const Json stands_by = {{"role", "standby"}, {"url", "http://a:1"}, {"epoch", 3}, {"leads", false}};
  EXPECT_EQ(render_leader(stands_by, "http://b:2", plain), "led by http://a:1, epoch 3; http://b:2 is a standby\n");
  const Json none = {{"role", "standby"}, {"url", nullptr}, {"epoch", 3}, {"leads", false}};
  EXPECT_EQ(render_leader(none, "http://b:2", plain), "no master is leading (asked http://b:2)\n");
  const Json waits = {
      {"role", "leader"}, {"url", "http://a:1"}, {"epoch", 3}, {"leads", true}, {"waits_for_kafka", true}};
  EXPECT_THAT(render_leader(waits, "http://a:1", plain),
              testing::HasSubstr("Kafka accepts no decisions: what is shown is out of date"));
  EXPECT_EQ(render_leader(Json::object(), "http://b:2", plain), "") << "an older master";
}

}  // namespace
}  // namespace ride::cli
