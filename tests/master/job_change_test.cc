// What differs between a job that runs and the same file, changed and submitted again.
#include "master/core/job_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/core/apply.h"
#include "master/core/decide.h"

namespace ride::master::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// gate → clean → album, as a plan for that run makes it.
stream::JobSpec street(std::int64_t run) {
  const auto name = [&](const std::string& stage) { return "ride.street." + std::to_string(run) + "." + stage; };
  stream::JobSpec spec{.job = {"street"}, .run = {run}};
  spec.sources = {{.name = "gate", .kind = "camera", .uri = "0", .outputs = {{.to = "clean", .topic = name("clean")}}},
                  {.name = "yard", .kind = "camera", .uri = "1", .outputs = {{.to = "clean", .topic = name("clean")}}}};
  spec.stages = {{.name = "clean",
                  .topic = name("clean"),
                  .partitions = 4,
                  .group_id = name("clean"),
                  .upstreams = {{.name = "gate", .is_source = true}, {.name = "yard", .is_source = true}},
                  .task = "gaussian_blur",
                  .params = {{"ksize", std::int64_t{61}}},
                  .outputs = {{.port = "out", .to = "album", .topic = name("album"), .partitions = 2},
                              {.port = "out", .to = "", .topic = "elsewhere", .partitions = 2}}},
                 {.name = "album",
                  .topic = name("album"),
                  .partitions = 2,
                  .group_id = name("album"),
                  .task = "discard",
                  .sink = true}};
  spec.stages[0].group.max = 2;
  return spec;
}

JobChange change(const stream::JobSpec& after) { return change_of(street(3), as_change_of(street(3), after)); }

std::vector<std::string> texts(const JobChange& change) {
  std::vector<std::string> all;
  for (const auto& one : change.differences) all.push_back(to_string(one));
  return all;
}

TEST(JobChange, TheSameFileIsNoChangeThoughItsPlanIsOfAnotherRun) {
  EXPECT_EQ(change(street(4)).kind, JobChange::Kind::none);
  EXPECT_THAT(texts(change(street(4))), IsEmpty());
}

TEST(JobChange, AFileWithOtherBytesIsADifferenceAndWhereItLiesIsNone) {
  const stream::ArtifactRef weights{"net.onnx", std::string(64, 'a'), 7, std::string(16, '1'), 3};
  auto before = street(3), after = street(4);
  before.stages[0].artifacts["model"] = after.stages[0].artifacts["model"] = weights;
  after.stages[0].artifacts["model"].upload = std::string(16, '2');
  after.stages[0].artifacts["model"].offset = 99;
  EXPECT_EQ(change_of(before, as_change_of(before, after)).kind, JobChange::Kind::none);
  EXPECT_EQ(as_change_of(before, after), before) << "the run goes on with the one that it has";
  after.stages[0].artifacts["model"].sha256 = std::string(64, 'b');
  const auto changed = change_of(before, as_change_of(before, after));
  EXPECT_EQ(changed.kind, JobChange::Kind::replace);
  EXPECT_THAT(texts(changed), ElementsAre("clean: params.model (file) net.onnx aaaaaaaaaaaa → net.onnx bbbbbbbbbbbb"));
  after.stages[0].artifacts.clear();
  EXPECT_THAT(texts(change_of(before, as_change_of(before, after))),
              ElementsAre("clean: params.model (file) net.onnx aaaaaaaaaaaa → nothing"));
}

TEST(JobChange, AnotherOrderOfWritingIsNone) {
  auto after = street(4);
  std::swap(after.sources[0], after.sources[1]);
  std::swap(after.stages[0].upstreams[0], after.stages[0].upstreams[1]);
  std::swap(after.stages[0].outputs[0], after.stages[0].outputs[1]);
  EXPECT_EQ(change(after).kind, JobChange::Kind::none);
}

TEST(JobChange, WhatTheClusterSettlesIsNone) {
  auto after = street(4);
  for (auto& stage : after.stages) stage.max_message_bytes = 1 << 20;
  for (auto& source : after.sources) source.max_message_bytes = 1 << 20;
  EXPECT_EQ(change(after).kind, JobChange::Kind::none);
}

TEST(JobChange, SizesScalingAndPriorityTakeEffectAtOnce) {
  auto after = street(4);
  after.priority = 5;
  after.stages[0].group = {
      .min = 2, .max = 6, .spares = 1, .scaling = {.target = 0.5, .drain_ms = 5000, .calm_ms = 60'000}};
  EXPECT_EQ(change(after).kind, JobChange::Kind::at_once);
  EXPECT_THAT(texts(change(after)),
              ElementsAre("priority 0 → 5", "clean: group.calm 30s → 1m", "clean: group.drain 10s → 5s",
                          "clean: group.max 2 → 6", "clean: group.min 1 → 2", "clean: group.spares 0 → 1",
                          "clean: group.target 0.8 → 0.5"));
}

TEST(JobChange, AnythingElseNeedsANewRun) {
  const auto needs_a_run = [](auto edit, const std::string& text) {
    auto after = street(4);
    edit(after);
    EXPECT_EQ(change(after).kind, JobChange::Kind::replace) << text;
    EXPECT_THAT(texts(change(after)), ::testing::Contains(text));
  };
  needs_a_run([](auto& job) { job.stages[0].task = "grayscale"; }, "clean: task gaussian_blur → grayscale");
  needs_a_run([](auto& job) { job.stages[0].params["ksize"] = std::int64_t{31}; }, "clean: params.ksize 61 → 31");
  needs_a_run([](auto& job) { job.stages[0].partitions = 8; }, "clean: topic.partitions 4 → 8");
  needs_a_run([](auto& job) { job.stages[0].group.device = "gpu"; }, "clean: group.device cpu → gpu");
  needs_a_run([](auto& job) { job.stages[0].group.labels["site"] = "north"; },
              "clean: group.labels.site nothing → north");
  needs_a_run([](auto& job) { job.stages[0].max_age_ms = 2000; }, "clean: max_age none → 2s");
  needs_a_run(
      [](auto& job) {
        for (auto& output : job.stages[0].outputs) output.codec = "png";
      },
      "clean: codec as it comes → png");
  needs_a_run([](auto& job) { job.sources[1].fps = 5; }, "yard: fps its own → 5");
  needs_a_run([](auto& job) { job.sources[1].uri = "2"; }, "yard: camera 1 → 2");
  needs_a_run([](auto& job) { job.sources.pop_back(); }, "yard: the source was removed");
  needs_a_run([](auto& job) { job.stages.push_back({.name = "more", .task = "discard"}); }, "more: a new stage");
}

TEST(JobChange, AChangeOfAPartThatHasNoWordsIsToldAllTheSame) {
  auto after = street(4);
  after.stages[0].upstreams[0].partitions = 3;
  EXPECT_EQ(change(after).kind, JobChange::Kind::replace);
  EXPECT_FALSE(change(after).differences.empty());
}

// The old leader died between the decision that completed the run and the one that begins the next.
TEST(JobChange, ANewLeaderBeginsTheRunThatWasToFollow) {
  State state;
  const auto add = [&](stream::DecisionBody body) { apply(state, {"log", 1, "m1", std::move(body)}); };
  add(stream::Claim{1, "m1", ""});
  add(stream::JobAccepted{.spec = street(3), .topology = "old"});
  add(stream::JobPhaseChanged{.job = {"street"}, .run = {3}, .phase = JobPhase::draining});
  add(stream::JobQueued{.spec = street(4), .topology = "new"});
  add(stream::JobPhaseChanged{.job = {"street"}, .run = {3}, .phase = JobPhase::completed});
  const std::vector<Event> taken{LeadershipTaken{}};
  const auto actions = decide(state, taken, {});
  ASSERT_FALSE(actions.empty());
  const auto* append = std::get_if<Append>(&actions.front());
  ASSERT_NE(append, nullptr);
  const auto* accepted = std::get_if<stream::JobAccepted>(&append->decisions.front());
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(accepted->spec, street(4));
  EXPECT_EQ(accepted->topology, "new");
  EXPECT_TRUE(std::any_of(actions.begin(), actions.end(),
                          [](const Action& action) { return std::holds_alternative<EnsureTopics>(action); }));
}

TEST(JobChange, AJobThatFailsWhileItIsDrainedDropsWhatWasToFollow) {
  State state;
  const auto add = [&](stream::DecisionBody body) { apply(state, {"log", 1, "m1", std::move(body)}); };
  add(stream::Claim{1, "m1", ""});
  add(stream::JobAccepted{.spec = street(3), .topology = "old"});
  add(stream::JobQueued{.spec = street(4), .topology = "new"});
  EXPECT_NE(state.hard.jobs.at({"street"})->next, nullptr);
  add(stream::JobPhaseChanged{.job = {"street"}, .run = {3}, .phase = JobPhase::failed});
  EXPECT_EQ(state.hard.jobs.at({"street"})->next, nullptr);
}

}  // namespace
}  // namespace ride::master::test
