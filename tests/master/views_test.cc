// The state as people see it, the API's routes against its description, and the metrics' table.
#include "master/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "common/plugin_permit.h"
#include "master/api.h"
#include "master/change_view.h"
#include "master/core/concerns.h"
#include "master/core/unreported.h"
#include "master/http_server.h"
#include "master/lacks.h"
#include "master/master_metrics.h"
#include "master/openapi_text.h"
#include "master/stage_view.h"
#include "stream/core/artifact.h"
#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

stream::Heartbeat worker(const std::string& id) { return {.id = WorkerId{id}, .node = NodeName{"n1"}}; }

const stream::ArtifactRef kWeights{"net.onnx", std::string(64, 'a'), 7, std::string(16, 'b'), 3};

SimulatedCluster running_street(bool finite = true) {
  SimulatedCluster cluster;
  cluster.join(worker("w1#a"));
  cluster.join(worker("w2#a"));
  cluster.join({.id = WorkerId{"p1#a"}, .kind = ProcessKind::producer, .node = NodeName{"n1"}});
  stream::JobSpec spec{.job = {"street"}};
  spec.finite = finite;
  spec.sources = {{.name = "gate", .kind = finite ? "directory" : "camera", .finite = finite}};
  spec.stages = {{.name = "clean",
                  .topic = "ride.street.1.clean",
                  .partitions = 2,
                  .upstreams = {{.name = "gate", .is_source = true}},
                  .task = "identity",
                  .artifacts = {{"model", kWeights}},
                  .outputs = {{.to = "album"}}},
                 {.name = "album",
                  .topic = "ride.street.1.album",
                  .partitions = 2,
                  .upstreams = {{.name = "clean"}},
                  .task = "discard",
                  .sink = true}};
  cluster.submit(spec);
  cluster.handle({TopicsOutcome{{"street"}, {1}, {}}});
  cluster.tick();
  return cluster;
}

stream::PartitionProgress progress(const SimulatedCluster& cluster, const std::string& stage, int partition) {
  stream::PartitionProgress one{.job = {"street"}, .run = {1}, .stage = {stage}, .partition = {partition}};
  const auto* known = cluster.state().hard.find({one.job, one.run, one.stage});
  one.epoch = known->partitions[static_cast<std::size_t>(partition)].epoch;
  return one;
}

TEST(Views, WhatIsNotKnownIsNullAndNotZero) {
  const auto cluster = running_street();
  const auto view = *job_view(cluster.state(), JobName{"street"});
  EXPECT_EQ(view["phase"], "running");
  EXPECT_TRUE(view["progress"].is_null());
  EXPECT_TRUE(view["stages"][0]["service_rate"].is_null());
  for (const auto* measure :
       {"oldest_unacked_ms", "lag", "lag_seconds", "arrival_rate", "utilisation", "size_reason", "sized_at"})
    EXPECT_TRUE(view["stages"][0][measure].is_null()) << measure;
  EXPECT_TRUE(view["stages"][0]["worker_speeds"][0]["service_rate"].is_null());
  EXPECT_TRUE(view["sources"][0]["last_frame"].is_null());
  EXPECT_EQ(job_view(cluster.state(), JobName{"nothing"}), std::nullopt);
}

TEST(Views, LagAndCountersAreSummedOverPartitions) {
  auto cluster = running_street();
  auto beat = worker("w1#a");
  beat.frames_per_second = 12.5;
  beat.service_rate = 30;
  for (int p = 0; p < 2; ++p) {
    auto one = progress(cluster, "clean", p);
    one.committed = 10;
    one.end = 15;
    one.counters = {.acked = 8, .filtered = 2};
    one.oldest_unacked_age_ms = 40 + p;
    beat.partitions.push_back(one);
  }
  cluster.report(beat);
  const auto stages = stages_view(cluster.state())["stages"];
  EXPECT_EQ(stages[0]["stage"], "clean");
  EXPECT_EQ(stages[0]["lag"], 10);
  EXPECT_EQ(stages[0]["acked"], 16);
  EXPECT_EQ(stages[0]["filtered"], 4);
  EXPECT_EQ(stages[0]["fps"], 12.5);
  EXPECT_EQ(stages[0]["service_rate"], 30.0);
  EXPECT_EQ(stages[0]["oldest_unacked_ms"], 41.0);
  EXPECT_EQ(stages[0]["workers"], json({"w1#a"}));
  EXPECT_EQ(stages[0]["partition_list"][1]["worker"], "w1#a");
  EXPECT_EQ(stages[0]["partition_list"][1]["committed"], 10);
}

LogsMeasured measured(const std::string& stage, int partition, std::int64_t committed, std::int64_t end) {
  return {
      {{{JobName{"street"}, RunNumber{1}, StageName{stage}}, PartitionId{partition}, Offset{committed}, Offset{end}}}};
}

TEST(Views, TheLagOfAStageWithoutWorkersIsWhatKafkaTells) {
  auto cluster = running_street();
  auto beat = worker("w1#a");
  for (int p = 0; p < 2; ++p) {
    auto one = progress(cluster, "clean", p);
    one.committed = one.end = 10;
    one.oldest_unacked_age_ms = 40;
    one.counters = {.acked = 10};
    beat.partitions.push_back(one);
  }
  cluster.report(beat);
  EXPECT_EQ(unreported_partitions(cluster.state(), 100).size(), 2U) << "album's owner has not seen its log";
  cluster.report(stream::Goodbye{.id = WorkerId{"w1#a"}});
  cluster.report(stream::Goodbye{.id = WorkerId{"w2#a"}});
  EXPECT_EQ(unreported_partitions(cluster.state(), 100).size(), 4U);
  cluster.handle({measured("clean", 0, 12, 212)});
  cluster.handle({measured("clean", 1, 10, 210)});
  const auto view = stages_view(cluster.state())["stages"][0];
  EXPECT_EQ(view["workers"], json::array());
  EXPECT_EQ(view["lag"], 400);
  EXPECT_TRUE(view["oldest_unacked_ms"].is_null()) << "what it was in its last owner's time says nothing";
  EXPECT_TRUE(view["arrival_rate"].is_null()) << "nobody counts it";
  EXPECT_EQ(view["partition_list"][0]["end"], 212);
  EXPECT_EQ(view["partition_list"][0]["committed"], 12);
}

TEST(Views, WhatIsMeasuredNeverOverridesAnOwnersWord) {
  auto cluster = running_street();
  cluster.handle({measured("clean", 0, 0, 7), measured("clean", 1, 0, 5), measured("nothing", 0, 0, 9),
                  measured("clean", 77, 0, 9), measured("clean", -1, 0, 9)});
  EXPECT_EQ(stages_view(cluster.state())["stages"][0]["lag"], 12) << "its owners have not seen their logs yet";
  auto beat = worker("w1#a");
  for (int p = 0; p < 2; ++p) {
    auto one = progress(cluster, "clean", p);
    one.committed = 4;
    one.end = 8;
    beat.partitions.push_back(one);
  }
  cluster.report(beat);
  EXPECT_EQ(stages_view(cluster.state())["stages"][0]["lag"], 8);
  cluster.handle({measured("clean", 0, 4, 99)});
  EXPECT_EQ(stages_view(cluster.state())["stages"][0]["lag"], 8) << "an answer that came late";
}

TEST(Views, AskingForManyPartitionsGoesAroundAllOfThem) {
  const auto cluster = running_street();
  const auto all = unreported_partitions(cluster.state(), 100);
  ASSERT_EQ(all.size(), 4U);
  const auto first = unreported_partitions(cluster.state(), 3),
             second = unreported_partitions(cluster.state(), 3, &first.back());
  EXPECT_EQ(first, (std::vector(all.begin(), all.begin() + 3)));
  EXPECT_EQ(second, (std::vector{all[3], all[0], all[1]}));
}

TEST(Views, TheWordOfWhoDoesNotOwnAPartitionIsNotCounted) {
  auto cluster = running_street();
  auto beat = worker("w2#a");  // owns album
  auto one = progress(cluster, "clean", 0);
  one.end = 99;
  beat.partitions = {one};
  cluster.report(beat);
  EXPECT_TRUE(stages_view(cluster.state())["stages"][0]["lag"].is_null());
}

TEST(Views, ProgressFollowsTheFramesThroughAllStages) {
  auto cluster = running_street();
  cluster.report(stream::Heartbeat{
      .id = WorkerId{"p1#a"},
      .kind = ProcessKind::producer,
      .sources = {{.job = {"street"}, .run = {1}, .source = "gate", .session = {1}, .frames = 50, .total = 100}}});
  for (const auto& [id, stage] : {std::pair{"w1#a", "clean"}, std::pair{"w2#a", "album"}}) {
    auto beat = worker(id);
    for (int p = 0; p < 2; ++p) {
      auto one = progress(cluster, stage, p);
      one.committed = 20;
      one.end = 25;
      beat.partitions.push_back(one);
    }
    cluster.report(beat);
  }
  EXPECT_NEAR(jobs_view(cluster.state())["jobs"][0]["progress"].get<double>(), 0.5 * 0.8 * 0.8, 1e-9);
  EXPECT_EQ(jobs_view(cluster.state())["jobs"][0]["frames_in"], 50);
}

TEST(Views, AJobThatNobodyCanServeSaysWhatIsMissingAndWhatThePoolHas) {
  SimulatedCluster cluster;
  auto small = worker("w1#a");
  small.cores = 2;
  small.labels = {{"site", "south"}};
  cluster.join(small);
  stream::JobSpec spec{.job = {"street"}};
  spec.stages = {{.name = "clean", .partitions = 2, .task = "identity", .sink = true}};
  spec.stages[0].group = {.device = "gpu", .cores = 4, .labels = {{"site", "north"}}};
  cluster.submit(spec);
  cluster.handle({TopicsOutcome{{"street"}, {1}, {}}});
  for (int i = 0; i < 20; ++i) cluster.tick();
  const auto stage = stages_view(cluster.state())["stages"][0];
  EXPECT_EQ(stage["waiting"],
            "clean waits: no suitable worker is available (1 wanted, with a GPU, with 4 cores, labelled site=north); "
            "the pool "
            "has 1 worker, which does not fit: none has a GPU, the largest has 2 cores, there is site=south");
  EXPECT_EQ(jobs_view(cluster.state())["jobs"][0]["waiting"], json({stage["waiting"]}));
  EXPECT_EQ(stage["wanted"], 1);
}

TEST(Views, AStageSaysWhoFetchesItsFiles) {
  SimulatedCluster cluster;
  cluster.join(worker("w1#a"));
  stream::JobSpec spec{.job = {"street"}};
  spec.stages = {{.name = "find", .partitions = 2, .task = "identity", .sink = true}};
  spec.stages[0].artifacts["model"] = {"net.onnx", std::string(64, 'a'), 7, std::string(16, 'b'), 3};
  cluster.submit(spec);
  cluster.processes.at(WorkerId{"w1#a"}).cold = true;
  cluster.handle({TopicsOutcome{{"street"}, {1}, {}}});
  for (int i = 0; i < 100; ++i) cluster.tick();
  const auto waits = [&] { return jobs_view(cluster.state())["jobs"][0]["waiting"]; };
  EXPECT_EQ(waits(), json({"find waits for the files that the job brings, which are being fetched by w1#a"}));
  cluster.processes.at(WorkerId{"w1#a"}).cold = false;
  for (int i = 0; i < 5; ++i) cluster.tick();
  EXPECT_EQ(waits(), json::array());
}

stream::JobSpec two_stages(const std::string& name) {
  stream::JobSpec spec{.job = {name}};
  spec.sources = {{.name = "gate", .kind = "directory", .finite = true}};
  spec.stages = {{.name = "clean", .partitions = 2, .task = "identity"},
                 {.name = "album", .partitions = 2, .task = "discard", .sink = true}};
  return spec;
}

TEST(Lacks, AStageThatWouldHaveNobodyIsToldWithNumbers) {
  SimulatedCluster cluster;
  EXPECT_EQ(lacks(cluster.state(), two_stages("street")).size(), 3U) << "two stages and a source";
  cluster.join(worker("w1#a"));
  cluster.join({.id = WorkerId{"p1#a"}, .kind = ProcessKind::producer, .node = NodeName{"n1"}});
  const auto one = lacks(cluster.state(), two_stages("street"));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].name, "album");
  EXPECT_EQ(one[0].text,
            "'album' has no worker: the job needs 2 workers, one for each stage (clean, album); the pool has 1 worker");
  cluster.join(worker("w2#a"));
  EXPECT_TRUE(lacks(cluster.state(), two_stages("street")).empty());
}

TEST(Lacks, APluginThatNoNodeAllowsIsRefusedByName) {
  auto spec = two_stages("street");
  spec.stages[0].artifacts[stream::kPluginArtifact] = {"stamp.so", std::string(64, 'a'), 7, std::string(16, 'b'), 3};
  spec.stages[0].group.labels[kPluginLabel] = permit_word(std::string(64, 'a'));
  SimulatedCluster cluster;
  EXPECT_EQ(plugin_refusal(cluster.state(), spec), "") << "nobody is there: one that allows it may come";
  cluster.join(worker("w1#a"));
  auto other = worker("w2#a");
  other.node = NodeName{"n2"};
  other.labels[kPluginLabel] = PluginPermit::parse({permit_word(std::string(64, 'b'))})->label();
  cluster.join(other);
  EXPECT_THAT(plugin_refusal(cluster.state(), spec),
              ::testing::AllOf(HasSubstr("no node lets its workers load the plug-in 'stamp.so'"), HasSubstr("n1, n2"),
                               HasSubstr("--allow-plugin sha256:" + std::string(64, 'a'))));
  const auto found = lacks(cluster.state(), spec);
  EXPECT_THAT(found.at(0).text, HasSubstr("none is on a node that allows the plug-in"));
  auto third = worker("w3#a");
  third.labels[kPluginLabel] = "any";
  cluster.join(third);
  EXPECT_EQ(plugin_refusal(cluster.state(), spec), "");
  for (const auto& lack : lacks(cluster.state(), spec)) EXPECT_TRUE(lack.source) << lack.text;
}

TEST(Lacks, OtherJobsKeepOneWorkerForEachStage) {
  const auto cluster = running_street();  // two workers, two stages
  const auto found = lacks(cluster.state(), two_stages("lane"));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(found[0].text, HasSubstr("of which other jobs keep 2"));
  EXPECT_TRUE(lacks(cluster.state(), two_stages("street")).empty()) << "its own next run takes its workers";
}

TEST(Lacks, WhoHasTheDeviceIsLeftToTheStageThatNeedsIt) {
  SimulatedCluster cluster;
  auto strong = worker("w1#a");
  strong.devices = {"cpu", "gpu"};
  cluster.join(strong);
  cluster.join(worker("w2#a"));
  cluster.join({.id = WorkerId{"p1#a"}, .kind = ProcessKind::producer, .node = NodeName{"n1"}});
  auto spec = two_stages("street");
  spec.stages[1].group.device = "gpu";
  EXPECT_TRUE(lacks(cluster.state(), spec).empty());
  spec.stages[0].group.device = "gpu";
  const auto found = lacks(cluster.state(), spec);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].text, HasSubstr("with a GPU: the job needs 2 workers"));
  spec.sources[0].node = "n9";
  EXPECT_EQ(lacks(cluster.state(), spec).back().text, "'gate' has no producer on node n9: there are producers on n1");
}

TEST(Lacks, AGroupThatWantsMoreThanThereIsSaysHowManyAreFree) {
  auto cluster = running_street();
  const auto sizes = [&] { return sizes_view(cluster.state(), *cluster.state().hard.jobs.at({"street"}), {"clean"}); };
  EXPECT_EQ(sizes()["lacks"], json::array());
  cluster.handle({ScaleRequest{.ticket = 1, .job = {"street"}, .stage = {"clean"}, .workers = 2}});
  EXPECT_EQ(sizes()["lacks"][0]["text"],
            "'clean' has 1 of 2 workers, and 0 more are free; the pool has 2 workers: it takes what comes");
  cluster.join(worker("w3#a"));
  EXPECT_EQ(sizes()["lacks"], json::array());
}

TEST(Views, ASizeIsShownWithItsBoundsAndWhy) {
  auto cluster = running_street();
  cluster.handle({ScaleRequest{.ticket = 1, .job = {"street"}, .stage = {"clean"}, .workers = 2}});
  const auto stage = stages_view(cluster.state())["stages"][0];
  EXPECT_EQ(stage["wanted"], 2);
  EXPECT_EQ(stage["held"], true);
  EXPECT_EQ(stage["min"], 1);
  EXPECT_EQ(stage["max"], 1);
  EXPECT_EQ(stage["size_reason"], "1 → 2: on request, and held there");
  EXPECT_TRUE(stage["sized_at"].is_string());
  EXPECT_THAT(sizes_view(cluster.state(), *cluster.state().hard.jobs.at({"street"}), {"clean"})["stages"][0]["held"],
              true);
}

TEST(Views, SpeedsAreMeasuredPerWorkerAndStage) {
  auto cluster = running_street();
  const StageKey clean{{"street"}, {1}, {"clean"}};
  cluster.load.set_speed(WorkerId{"w1#a"}, 40);
  cluster.load.set_arrival(clean, 20);
  for (int i = 0; i < 60; ++i) cluster.tick();
  EXPECT_NEAR(stages_view(cluster.state())["stages"][0]["arrival_rate"].get<double>(), 20, 2);
  cluster.load.set_arrival(clean, 60);  // more than it can do
  for (int i = 0; i < 10; ++i) cluster.tick();
  const auto stage = stages_view(cluster.state())["stages"][0];
  EXPECT_NEAR(stage["service_rate"].get<double>(), 40, 1);
  EXPECT_GT(stage["utilisation"].get<double>(), 0.3);
  EXPECT_NEAR(stage["lag"].get<double>(), cluster.load.lag(clean), 3);
  EXPECT_NEAR(stage["lag_seconds"].get<double>(), stage["lag"].get<double>() / 40, 0.02);
  EXPECT_EQ(stage["worker_speeds"][0]["worker"], "w1#a");
  EXPECT_NEAR(stage["worker_speeds"][0]["service_rate"].get<double>(), 40, 1);
  Metrics metrics(master_metrics_table());
  fill_metrics(cluster.state(), metrics);
  EXPECT_THAT(metrics.text(), HasSubstr("ride_stage_lag_frames{job=\"street\",stage=\"clean\"} "));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("ride_stage_lag_frames{job=\"street\",stage=\"album\"}")))
      << "unknown is not zero";
  EXPECT_THAT(metrics.text(), HasSubstr("ride_wanted_pool_workers 2"));
}

TEST(Views, WhoWentIsShownWithTheReason) {
  auto cluster = running_street();
  cluster.report(stream::ChildExit{.child = WorkerId{"w2#a"}, .signal = 9});
  cluster.processes.erase(WorkerId{"w2#a"});
  bool seen = false;
  const auto workers = workers_view(cluster.state());
  for (const auto& one : workers["workers"]) {
    if (one["id"] != "w2#a") continue;
    seen = true;
    EXPECT_EQ(one["state"], "lost");
    EXPECT_THAT(one["reason"].get<std::string>(), HasSubstr("signal 9"));
  }
  EXPECT_TRUE(seen);
}

TEST(Views, ANodeIsWhatItsProcessesSay) {
  auto cluster = running_street();
  cluster.join({.id = WorkerId{"agent#a"},
                .kind = ProcessKind::agent,
                .node = NodeName{"n1"},
                .devices = {"cpu", "gpu"},
                .cores = 8,
                .labels = {{"memory_available", "1024"},
                           {"disk_free", "x"},
                           {"cameras", "/dev/video0,/dev/video2"},
                           {"outputs", R"(["/srv/out","/a, b"])"}},
                .cpu_percent = 55});
  const auto node = nodes_view(cluster.state())["nodes"][0];
  EXPECT_EQ(node["node"], "n1");
  EXPECT_EQ(node["workers"], 2);
  EXPECT_EQ(node["producers"], 1);
  EXPECT_EQ(node["cores"], 8.0);
  EXPECT_EQ(node["cpu_percent"], 55.0);
  EXPECT_EQ(node["memory_available"], 1024);
  EXPECT_TRUE(node["disk_free"].is_null());
  EXPECT_EQ(node["cameras"], (nlohmann::json{"/dev/video0", "/dev/video2"}));
  EXPECT_EQ(node["outputs"], (nlohmann::json{"/srv/out", "/a, b"}));
  const auto outputs = outputs_of_nodes(cluster.state());
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].folders.front(), "/srv/out");
}

TEST(Events, AreNumberedAndBounded) {
  EventRing ring(3);
  for (int i = 0; i < 5; ++i) ring.add({}, {.text = std::to_string(i)});
  const auto all = ring.since(0, 10);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.front().number, 3);
  EXPECT_EQ(ring.since(4, 10).size(), 1u);
  EXPECT_EQ(ring.since(5, 10).size(), 0u);
  EXPECT_EQ(ring.since(0, 2).size(), 2u);
  EXPECT_EQ(events_view({}, 7)["next"], 7);
  EXPECT_EQ(events_view(all, 0)["next"], 5);
}

TEST(OpenApi, DescribesExactlyTheRoutesThatAreServed) {
  const auto document = json::parse(openapi_text());
  std::set<std::string> described, served;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items()) {
      std::string name = method;
      for (auto& letter : name) letter = static_cast<char>(std::toupper(letter));
      described.insert(name + " " + path);
    }
  for (const auto& route : Api::routes()) served.insert(std::string(route.method) + " " + route.path);
  EXPECT_EQ(described, served);
}

// Every required property of the described object is in what is served, and nothing that is not described.
void expect_described(const json& document, const std::string& schema, const json& served) {
  const auto& properties = document["components"]["schemas"][schema]["properties"];
  std::set<std::string> described, there;
  for (const auto& [name, value] : properties.items()) described.insert(name);
  for (const auto& [name, value] : served.items()) there.insert(name);
  EXPECT_EQ(described, there) << schema;
}

TEST(OpenApi, DescribesWhatTheViewsShow) {
  const auto document = json::parse(openapi_text());
  const auto cluster = running_street();
  const auto& state = cluster.state();
  expect_described(document, "Job", jobs_view(state)["jobs"][0]);
  expect_described(document, "JobDetail", *job_view(state, JobName{"street"}));
  expect_described(document, "Stage", stages_view(state)["stages"][0]);
  expect_described(document, "WorkerSpeed", stages_view(state)["stages"][0]["worker_speeds"][0]);
  const auto& job = *state.hard.jobs.at({"street"});
  expect_described(document, "Sizes", sizes_view(state, job, {}));
  expect_described(document, "GroupSize", sizes_view(state, job, {"clean"})["stages"][0]);
  auto changed = *job.spec;
  changed.priority = 3;
  expect_described(document, "Change", change_view(job, changed));
  expect_described(document, "Difference", change_view(job, changed)["differences"][0]);
  expect_described(document, "Partition", stages_view(state)["stages"][0]["partition_list"][0]);
  expect_described(document, "Source", sources_view(state)["sources"][0]);
  expect_described(document, "Worker", workers_view(state)["workers"][0]);
  expect_described(document, "Node", nodes_view(state)["nodes"][0]);
  expect_described(document, "Artifact", artifacts_view(state)["artifacts"][0]);
  EventRing ring;
  ring.add({}, {.text = "x"});
  expect_described(document, "Event", events_view(ring.since(0, 1), 0)["events"][0]);
}

TEST(Views, TheFilesOfAJobAreShownUntilItIsOver) {
  auto cluster = running_street();
  const auto one = artifacts_view(cluster.state())["artifacts"][0];
  EXPECT_EQ(one["job"], "street");
  EXPECT_EQ(one["stage"], "clean");
  EXPECT_EQ(one["param"], "model");
  EXPECT_EQ(one["sha256"], kWeights.sha256);
  EXPECT_EQ(one["upload"], kWeights.upload);
  cluster.handle({PhaseRequest{.ticket = 1, .job = {"street"}, .command = PhaseCommand::cancel}});
  EXPECT_TRUE(artifacts_view(cluster.state())["artifacts"].empty());
}

TEST(Views, OfAJobThatWasOverBeforeTheMasterBeganCountsAreUnknownAndNotZero) {
  auto cluster = running_street();
  cluster.handle({PhaseRequest{.ticket = 1, .job = {"street"}, .command = PhaseCommand::cancel}});
  cluster.restart_master();
  const auto stage = (*job_view(cluster.state(), JobName{"street"}))["stages"][0];
  for (const auto* count : {"acked", "filtered", "dropped", "dead", "expired", "duplicates"})
    EXPECT_TRUE(stage[count].is_null()) << count << stage;
  EXPECT_TRUE((*job_view(cluster.state(), JobName{"street"}))["sources"][0]["frames"].is_null());
}

// Heartbeats of a source and of the stage that reads it are of different moments.
TEST(Views, ASourceHasSentAtLeastWhatItsReaderFinished) {
  auto cluster = running_street();
  auto sent =
      stream::SourceProgress{.job = {"street"}, .run = {1}, .source = "gate", .session = SessionId{1}, .frames = 624};
  auto done = progress(cluster, "clean", 0);
  done.counters = {.acked = 606, .filtered = 20, .dropped = 50, .dead = 6};
  cluster.report(stream::Heartbeat{
      .id = WorkerId{"p1#a"}, .kind = ProcessKind::producer, .node = NodeName{"n1"}, .sources = {sent}});
  const auto owner = cluster.state().hard.find({done.job, done.run, done.stage})->partitions[0].owner;
  cluster.report(stream::Heartbeat{.id = owner, .node = NodeName{"n1"}, .partitions = {done}});
  const auto view = *job_view(cluster.state(), JobName{"street"});
  EXPECT_EQ(view["sources"][0]["frames"], 626) << "what is dead may be records that somebody else wrote";
  EXPECT_EQ(view["frames_in"], 626);
}

// Its producer is lost after it has read everything; the next one has not looked yet at what was done.
TEST(Views, ASourcesCountsDoNotFallWhenItsProducerIsLost) {
  auto cluster = running_street();
  const auto heard = [&](const char* id, stream::SourceProgress progress) {
    progress.job = {"street"};
    progress.run = {1};
    progress.source = "gate";
    progress.session = SessionId{1};
    cluster.report(stream::Heartbeat{
        .id = WorkerId{id}, .kind = ProcessKind::producer, .node = NodeName{"n1"}, .sources = {std::move(progress)}});
  };
  heard("p1#a", {.frames = 7, .total = 10, .rejected = 3});
  heard("p2#a", {});
  cluster.report(stream::ChildExit{.child = WorkerId{"p1#a"}, .signal = 9});
  ASSERT_EQ(cluster.state().hard.find({"street"}, {1})->sources.at("gate").producer, WorkerId{"p2#a"});
  heard("p2#a", {.frames = 0, .total = -1});
  auto source = (*job_view(cluster.state(), JobName{"street"}))["sources"][0];
  EXPECT_EQ(source["frames"], 7);
  EXPECT_EQ(source["rejected"], 3);
  EXPECT_EQ(source["total"], 10);
}

// Rejected pictures come to every stage as dropped frames.
TEST(Views, WhatASourceRefusedIsToldApartInEveryStage) {
  auto cluster = running_street();
  cluster.report(stream::Heartbeat{
      .id = WorkerId{"p1#a"},
      .kind = ProcessKind::producer,
      .node = NodeName{"n1"},
      .sources = {
          {.job = {"street"}, .run = {1}, .source = "gate", .session = SessionId{1}, .frames = 7, .rejected = 3}}});
  for (const auto* stage : {"clean", "album"}) {
    auto one = progress(cluster, stage, 0);
    one.counters = {.acked = 7, .dropped = 2};
    const auto owner = cluster.state().hard.find({one.job, one.run, one.stage})->partitions[0].owner;
    cluster.report(stream::Heartbeat{.id = owner, .node = NodeName{"n1"}, .partitions = {one}});
  }
  const auto stages = stages_view(cluster.state())["stages"];
  for (const auto& stage : stages) {
    EXPECT_EQ(stage["dropped"], 0);
    EXPECT_EQ(stage["rejected"], 2) << "never more than came";
  }
  EXPECT_EQ(stages[1]["upstreams"], json({"clean"}));
}

// 50 frames of several records each, and end records: nobody waits that is no frame.
TEST(Views, WhatWaitsIsCountedInFrames) {
  auto cluster = running_street();
  const auto report = [&](const char* stage, std::int64_t acked, std::int64_t end) {
    auto one = progress(cluster, stage, 0);
    one.counters.acked = acked;
    one.end = end;
    const auto owner = cluster.state().hard.find({one.job, one.run, one.stage})->partitions[0].owner;
    cluster.report(stream::Heartbeat{.id = owner, .node = NodeName{"n1"}, .partitions = {one}});
  };
  report("album", 0, 66);
  EXPECT_EQ(stages_view(cluster.state())["stages"][1]["lag"], 66) << "nobody reports how many frames these are";
  report("clean", 50, 50);
  EXPECT_EQ(stages_view(cluster.state())["stages"][1]["lag"], 50);
  report("album", 48, 66);
  EXPECT_EQ(stages_view(cluster.state())["stages"][1]["lag"], 2);
}

// `ride logs street` asks for the events of the job.
TEST(Views, ALossIsAnEventOfTheJobsThatItConcerns) {
  const auto cluster = running_street();
  const auto& hard = cluster.state().hard;
  const auto out = [&](const std::string& id) { return concerns_of(hard, stream::WorkerOut{.worker = WorkerId{id}}); };
  const auto clean = hard.find({{"street"}, {1}, {"clean"}});
  EXPECT_EQ(out(clean->partitions[0].owner.value), (std::vector<Concern>{{"street", "clean"}}));
  EXPECT_EQ(out("p1#a"), (std::vector<Concern>{{"street", "gate"}}));
  EXPECT_EQ(out("agent#a"), std::vector<Concern>());
  EXPECT_EQ(concerns_of(hard, stream::Claim{}), std::vector<Concern>());
}

// Frames, drops and gaps of all owners of a run are one count, and what was captured and never written is shown.
TEST(Views, AKilledProducersCountsGoOnWithItsSuccessor) {
  auto cluster = running_street(/*finite=*/false);
  const auto heard = [&](const char* id, stream::SourceProgress progress) {
    cluster.report(stream::Heartbeat{
        .id = WorkerId{id}, .kind = ProcessKind::producer, .node = NodeName{"n1"}, .sources = {std::move(progress)}});
  };
  stream::SourceProgress first{.job = {"street"},
                               .run = {1},
                               .source = "gate",
                               .session = SessionId{1},
                               .frames = 1000,
                               .captured = 1007,
                               .dropped = 3,
                               .gaps = 1};
  heard("p1#a", first);
  heard("p2#a", {});
  cluster.report(stream::ChildExit{.child = WorkerId{"p1#a"}, .signal = 9});
  const auto& source = cluster.state().hard.find({"street"}, {1})->sources.at("gate");
  ASSERT_EQ(source.producer, WorkerId{"p2#a"});
  const auto* decided = std::get_if<stream::AssignSource>(&cluster.log().back().body);
  ASSERT_NE(decided, nullptr);
  EXPECT_EQ(decided->before,
            (stream::SourceBefore{.session = SessionId{1}, .told = 1000, .captured = 1007, .dropped = 3, .gaps = 1}));
  // Its successor read that 1005 stand in the log.
  heard("p2#a", {.job = {"street"},
                 .run = {1},
                 .source = "gate",
                 .session = source.session,
                 .frames = 20,
                 .earlier = 1005,
                 .captured = 20,
                 .unwritten = 2,
                 .dropped = 3,
                 .gaps = 1});
  const auto view = *job_view(cluster.state(), JobName{"street"});
  EXPECT_EQ(view["sources"][0]["frames"], 1025);
  EXPECT_EQ(view["sources"][0]["unwritten"], 2);
  EXPECT_EQ(view["frames_in"], 1025);
}

TEST(Views, AMasterThatStartsAfterTheEndOfAJobStillKnowsWhatWentThrough) {
  auto cluster = running_street();
  auto sent =
      stream::SourceProgress{.job = {"street"}, .run = {1}, .source = "gate", .session = SessionId{1}, .frames = 9};
  stream::Heartbeat producer{
      .id = WorkerId{"p1#a"}, .kind = ProcessKind::producer, .node = NodeName{"n1"}, .sources = {sent}};
  auto done = progress(cluster, "album", 0);
  done.counters.acked = 7;
  const auto owner = cluster.state().hard.find({done.job, done.run, done.stage})->partitions[0].owner;
  stream::Heartbeat beat{.id = owner, .node = NodeName{"n1"}, .partitions = {done}};
  cluster.report(producer);
  cluster.report(beat);
  cluster.handle({PhaseRequest{.ticket = 1, .job = {"street"}, .command = PhaseCommand::cancel}});
  cluster.restart_master();
  const auto view = *job_view(cluster.state(), JobName{"street"});
  EXPECT_EQ(view["frames_in"], 9);
  EXPECT_EQ(view["frames_out"], 7);
}

TEST(Metrics, ComeFromOneTable) {
  EXPECT_EQ(find_fault(master_metrics_table()), std::nullopt);
  Metrics metrics(master_metrics_table());
  auto cluster = running_street();
  fill_metrics(cluster.state(), metrics);
  EXPECT_THAT(metrics.text(), HasSubstr("ride_stage_active_workers{job=\"street\",stage=\"clean\"} 1"));
  EXPECT_THAT(metrics.text(), HasSubstr("ride_phase_jobs{phase=\"running\"} 1"));
  cluster.handle({PhaseRequest{.ticket = 1, .job = {"street"}, .command = PhaseCommand::cancel}});
  fill_metrics(cluster.state(), metrics);
  EXPECT_THAT(metrics.text(), Not(HasSubstr("ride_stage_active_workers{")));
  EXPECT_THAT(metrics.text(), HasSubstr("ride_phase_jobs{phase=\"cancelled\"} 1"));
}

TEST(Metrics, ATableThatBreaksTheRulesIsRefused) {
  EXPECT_TRUE(find_fault({{"frames_total", MetricType::counter, "x"}}));
  EXPECT_TRUE(find_fault({{"ride_sent_frames", MetricType::counter, "x"}}));
  EXPECT_TRUE(find_fault({{"ride_sent_frames_total", MetricType::gauge, "x"}}));
  EXPECT_TRUE(find_fault({{"ride_sent_frames_total", MetricType::counter, ""}}));
  EXPECT_TRUE(find_fault({{"ride_a_b", MetricType::gauge, "x"}, {"ride_a_b", MetricType::gauge, "x"}}));
  EXPECT_TRUE(find_fault({{"ride_wait_seconds", MetricType::histogram, "x"}}));
  EXPECT_FALSE(find_fault({{"ride_wait_seconds", MetricType::histogram, "x", {"stage"}, {0.1, 1}}}));
}

TEST(Metrics, CumulativeValuesRiseAndNeverFall) {
  Metrics metrics({{"ride_sent_frames_total", MetricType::counter, "x", {"source"}}});
  metrics.replace("ride_sent_frames_total", {{{"a"}, 5}, {{"b"}, 1}});
  metrics.replace("ride_sent_frames_total", {{{"a"}, 3}});
  EXPECT_THAT(metrics.text(), HasSubstr("ride_sent_frames_total{source=\"a\"} 5"));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("source=\"b\"")));
}

TEST(HttpAddress, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(parse_http_address("0.0.0.0:80")->host, "0.0.0.0");
  EXPECT_EQ(parse_http_address("7800")->port, 7800);
  EXPECT_EQ(parse_http_address(":0")->host, "127.0.0.1");
  EXPECT_EQ(parse_http_address("[::1]:90")->host, "::1");
  for (const auto* wrong : {"", "host", "host:", "host:-1", "host:65536", "host:80x"})
    EXPECT_FALSE(parse_http_address(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace ride::master::test
