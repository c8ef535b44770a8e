#include "topology/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "tests/topology/test_catalog.h"

namespace ride::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kJob = R"(
ride: v1
name: j
sources:
  gate: { camera: "rtsp://${CAM_USER}:${CAM_PASS}@host/x", codec: jpeg:80, max_age: 2s, node: n1 }
  scene: { synthetic: { width: 100, height: 50, channels: 1 }, fps: 10 }
stages:
  - { name: sorted, from: [gate, scene], topic: { partitions: 3 }, task: sort_out, codec: png, output: { bad: { topic: rejects } } }
  - { name: blur, from: [sorted.good], topic: { partitions: 5, partition_by: source, keep: 1m }, task: gaussian_blur,
      params: { ksize: 61 }, frame_timeout: 30s, group: { min: 1, max: 2, cores: 1.5, memory: 1GiB, labels: { a: b } } }
  - { name: plain, from: [scene], topic: { partitions: 2, replication: 2, retention: 100s }, task: identity }
sinks:
  - { name: end, from: [blur, sorted.bad, plain], task: discard }
)";

Topology parse(const std::string& text) {
  auto outcome = parse_topology(text, "f", test_catalog(), test_environment());
  EXPECT_TRUE(outcome.topology) << render(outcome.diagnostics, text);
  return *outcome.topology;
}

Plan plan_of(const std::string& text, const ClusterFacts& facts = {.brokers = 2}) {
  auto plan = make_plan(parse(text), RunNumber{7}, "lab", facts);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return *plan;
}

TEST(TopologyPlan, TopicsAndGroupsCarryPrefixJobRunAndStage) {
  const Plan plan = plan_of(kJob);
  EXPECT_EQ(plan.stages[0].topic, "lab.j.7.sorted");
  EXPECT_EQ(plan.stages[0].group_id, "lab.j.7.sorted");
  EXPECT_EQ(plan.stages[0].replication, 2) << "three, or as many as there are brokers";
}

TEST(TopologyPlan, EveryReaderOfAPortGetsItsOwnOutput) {
  const auto spec = to_job_spec(plan_of(kJob));
  const auto& outputs = spec.stages[0].outputs;
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs[0], (stream::OutputSpec{.port = "good",
                                            .to = "blur",
                                            .topic = "lab.j.7.blur",
                                            .partitions = 5,
                                            .partition_by = stream::PartitionBy::source,
                                            .codec = "png"}));
  EXPECT_EQ(outputs[1].to, "end");
  EXPECT_EQ(outputs[1].port, "bad");
  EXPECT_EQ(outputs[2],
            (stream::OutputSpec{.port = "bad", .to = "", .topic = "rejects", .partitions = 3, .codec = "png"}));
  const auto& end = spec.stages.back();
  EXPECT_TRUE(end.sink);
  EXPECT_TRUE(end.outputs.empty());
  EXPECT_THAT(end.upstreams,
              ElementsAre(stream::UpstreamSpec{"blur", 5, false}, stream::UpstreamSpec{"sorted", 3, false},
                          stream::UpstreamSpec{"plain", 2, false}));
}

TEST(TopologyPlan, TheJobSpecHoldsWhatTheFileSays) {
  const auto spec = to_job_spec(plan_of(kJob, {.brokers = 2, .max_message_bytes = 1234567}));
  EXPECT_EQ(spec.job.value, "j");
  EXPECT_EQ(spec.run.value, 7);
  EXPECT_EQ(spec.prefix, "lab");
  EXPECT_FALSE(spec.finite);
  const auto& gate = spec.sources[0];
  EXPECT_EQ(gate.kind, "camera");
  EXPECT_EQ(gate.uri, "rtsp://${CAM_USER}:${CAM_PASS}@host/x");
  EXPECT_EQ(gate.codec, "jpeg:80");
  EXPECT_EQ(gate.max_age_ms, 2000);
  EXPECT_EQ(gate.node, "n1");
  EXPECT_TRUE(gate.drop_when_late);
  EXPECT_EQ(gate.max_message_bytes, 1234567);
  const auto& scene = spec.sources[1];
  EXPECT_EQ(scene.kind, "synthetic");
  EXPECT_EQ(scene.fps, 10);
  EXPECT_EQ(get_int(scene.params, "width"), 100);
  EXPECT_EQ(get_string(scene.params, "scene"), "moving");
  ASSERT_EQ(scene.outputs.size(), 2u);
  EXPECT_EQ(scene.outputs[1].topic, "lab.j.7.plain");
  const auto& blur = spec.stages[1];
  EXPECT_EQ(blur.name, "blur");
  EXPECT_EQ(get_int(blur.params, "ksize"), 61);
  EXPECT_EQ(blur.frame_timeout_ms, 30'000);
  EXPECT_EQ(blur.keep_ms, 60'000);
  EXPECT_EQ(blur.retention_ms, 600'000);
  EXPECT_EQ(blur.partition_by, stream::PartitionBy::source);
  EXPECT_EQ(blur.group, (stream::GroupSpec{.device = "cpu",
                                           .min = 1,
                                           .max = 2,
                                           .spares = 0,
                                           .cores = 1.5,
                                           .memory_bytes = 1 << 30,
                                           .labels = {{"a", "b"}}}));
}

TEST(TopologyPlan, RatesAreSummedWhereTheyAreKnownAndUnknownElsewhere) {
  const Plan plan = plan_of(kJob);
  const auto estimate = [&](const std::string& name) {
    for (const auto& planned : plan.stages) {
      if (planned.stage.name == name) return planned.estimate;
    }
    return Estimate{};
  };
  EXPECT_DOUBLE_EQ(*estimate("plain").megabytes_per_second, 10 * 5000 / 1e6);
  EXPECT_EQ(estimate("plain").disk_bytes, 10 * 5000 * 100 * 2);
  EXPECT_FALSE(estimate("sorted").frames_per_second) << "the camera's own rate is not known";
  EXPECT_FALSE(estimate("end").disk_bytes);
}

TEST(TopologyPlan, AnAdoptedTopicHasThePartitionsOfTheCluster) {
  const std::string text =
      "ride: v1\nname: j\nstages: [{ name: s, topic: { name: in, adopt: true, format: raw, shape: 9x9 }, "
      "task: identity, group: { max: 3 }, output: { topic: out } }]\n";
  const Plan blind = plan_of(text, {});
  EXPECT_FALSE(blind.complete());
  EXPECT_THAT(render_plan(blind), HasSubstr("partitions unknown"));
  const Plan plan = plan_of(text, {.brokers = 1, .topics = TopicPartitions{{"in", 6}}});
  ASSERT_TRUE(plan.complete());
  const auto spec = to_job_spec(plan);
  EXPECT_EQ(spec.stages[0].topic, "in");
  EXPECT_EQ(spec.stages[0].partitions, 6);
  EXPECT_EQ(spec.stages[0].group_id, "lab.j.7.s");
  EXPECT_EQ(spec.stages[0].adopt, (stream::AdoptSpec{"raw", "9x9", "8u"}));
  EXPECT_TRUE(spec.stages[0].upstreams.empty());
  EXPECT_EQ(spec.stages[0].outputs[0].partitions, 6) << "a frame stays in its partition";
  const auto small = make_plan(parse(text), RunNumber{7}, "lab", {.brokers = 1, .topics = TopicPartitions{{"in", 2}}});
  ASSERT_FALSE(small.ok());
  EXPECT_THAT(small.error().message, HasSubstr("group of up to 3 workers"));
}

TEST(TopologyPlan, TheDifferenceTellsWhatIsCreatedWhatIsThereAndWhatConflicts) {
  const Plan plan = plan_of(kJob);
  const auto result = diff({{"lab.j.7.sorted", 3}, {"lab.j.7.blur", 4}, {"other", 1}}, plan);
  ASSERT_EQ(result.conflicts.size(), 1u);
  EXPECT_EQ(result.conflicts[0].topic, "lab.j.7.blur");
  EXPECT_EQ(result.conflicts[0].has, 4);
  EXPECT_EQ(result.conflicts[0].wants, 5);
  EXPECT_EQ(result.exists.size(), 1u);
  EXPECT_EQ(result.create.size(), 3u);
  const auto checked = check(result);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::already_exists);
  EXPECT_THAT(checked.error().message, HasSubstr("'lab.j.7.blur' exists with 4 partitions, the plan needs 5"));
  EXPECT_TRUE(check(diff({}, plan)).ok());
}

TEST(TopologyPlan, ABadPrefixIsRefused) { EXPECT_FALSE(make_plan(parse(kJob), RunNumber{1}, "My.Prefix", {}).ok()); }

TEST(TopologyPlan, TheLongestNamesStillFitIntoKafka) {
  const std::string name(64, 'n'), prefix(64, 'p');
  const std::string text = "ride: v1\nname: " + name +
                           "\nsources: { a: { camera: 0 } }\nsinks: [{ name: " + std::string(64, 's') +
                           ", from: a, task: discard }]\n";
  const auto plan = make_plan(parse(text), RunNumber{INT64_MAX}, prefix, {});
  ASSERT_TRUE(plan.ok());
  EXPECT_LE(plan->topics[0].name.size(), 249u);
}

TEST(TopologyPlan, ThePlanIsJsonForScripts) {
  const auto json = plan_to_json(plan_of(kJob), TopicPartitions{{"lab.j.7.sorted", 3}});
  EXPECT_EQ(json["job"], "j");
  EXPECT_EQ(json["topics"][0]["state"], "exists");
  EXPECT_EQ(json["topics"][1]["state"], "to create");
  EXPECT_EQ(json["stages"][0]["outputs"][0]["topic"], "lab.j.7.blur");
  EXPECT_EQ(json["sources"][0]["uri"], "rtsp://${CAM_USER}:${CAM_PASS}@host/x");
  EXPECT_TRUE(json["sources"][0]["fps"].is_null());
}

}  // namespace
}  // namespace ride::topology
