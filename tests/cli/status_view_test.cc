#include "cli/core/status_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

TEST(StatusView, SaysThatThereAreNoJobs) {
  EXPECT_EQ(render_jobs(Json{{"jobs", Json::array()}}, at_noon()), "no jobs\n");
}

TEST(StatusView, ShowsOnlyTheStagesOfTheJob) {
  const std::string text = render_stages(kStages, "street", at_noon());
  EXPECT_THAT(text, HasSubstr("people  detect_people  5.0    7      1/2"));
  EXPECT_THAT(text, HasSubstr("210 ms"));
  EXPECT_THAT(text, Not(HasSubstr("other")));
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

TEST(Leader, IsNamedAndSoIsAStandbyThatWasAsked) {
  const ViewOptions plain;
  const Json leads = {{"role", "leader"}, {"url", "http://a:1"}, {"epoch", 3}, {"leads", true}};
  EXPECT_EQ(render_leader(leads, "http://a:1", plain), "led by http://a:1, epoch 3\n");
  const Json stands_by = {{"role", "standby"}, {"url", "http://a:1"}, {"epoch", 3}, {"leads", false}};
  EXPECT_EQ(render_leader(stands_by, "http://b:2", plain), "led by http://a:1, epoch 3; http://b:2 stands by\n");
  const Json none = {{"role", "standby"}, {"url", nullptr}, {"epoch", 3}, {"leads", false}};
  EXPECT_EQ(render_leader(none, "http://b:2", plain), "no master leads (asked http://b:2)\n");
  const Json waits = {{"role", "leader"}, {"url", "http://a:1"}, {"epoch", 3}, {"leads", true}, {"waits_for_kafka", true}};
  EXPECT_THAT(render_leader(waits, "http://a:1", plain), testing::HasSubstr("Kafka takes no decisions: what is shown is old"));
  EXPECT_EQ(render_leader(Json::object(), "http://b:2", plain), "") << "an older master";
}

}  // namespace
}  // namespace ride::cli
