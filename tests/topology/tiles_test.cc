// What may stand between a split and its merge; with the declarations of the real tasks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topology/plan.h"
#include "topology/topology.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::topology {
namespace {

using testing::HasSubstr;

constexpr const char* kCut = "  - { name: cut, from: [a], task: split, params: { stripes: 4 } }\n";
constexpr const char* kBlur = "  - { name: blur, from: [cut], task: gaussian_blur, params: { ksize: 61 } }\n";
constexpr const char* kJoin = "  - { name: join, from: [blur], task: merge }\n";

std::string tile_job(const std::string& stages, const std::string& last = "join") {
  return "ride: v1\nname: j\nsources: { a: { directory: d }, b: { directory: e } }\nstages:\n" + stages +
         "sinks: [{ name: end, from: [" + last + "], task: discard }]\n";
}

ParseOutcome tile_outcome(const std::string& text) {
  return parse_topology(text, "f.yaml", tasks::builtin_catalog(), environment_of({}));
}

Topology tile_topology(const std::string& text) {
  auto outcome = tile_outcome(text);
  EXPECT_TRUE(outcome.topology) << render(outcome.diagnostics, text);
  return *outcome.topology;
}

// The first error with its line and fix.
std::string error_in(const std::string& text) {
  const auto outcome = tile_outcome(text);
  EXPECT_FALSE(outcome.topology) << text;
  for (const auto& one : outcome.diagnostics)
    if (one.severity == Severity::error) return std::to_string(one.line) + ": " + one.message + " | " + one.fix;
  return "";
}

TEST(TilesTopology, TheSplitTakesTheHaloThatTheTasksUpToItsMergeNeedInAll) {
  const auto topology = tile_topology(tile_job(
      std::string(kCut) + kBlur + "  - { name: calm, from: [blur], task: median_blur, params: { ksize: 5 } }\n" +
      "  - { name: grey, from: [calm], task: grayscale }\n  - { name: join, from: [grey], task: merge }\n"));
  EXPECT_EQ(get_int(topology.stage("cut")->params, "halo"), 30 + 2);
  for (const auto* between : {"blur", "calm", "grey"})
    EXPECT_EQ(topology.stage(between)->topic.partition_by, PartitionBy::tile) << between;
  for (const auto* other : {"cut", "join", "end"})
    EXPECT_EQ(topology.stage(other)->topic.partition_by, PartitionBy::frame) << other;
}

TEST(TilesTopology, TwoWaysWithAMergeEachTakeTheLargerHalo) {
  const auto topology = tile_topology(tile_job(std::string(kCut) + kBlur + kJoin +
                                                   "  - { name: calm, from: [cut], task: median_blur }\n"
                                                   "  - { name: put, from: [calm], task: merge }\n",
                                               "join, put"));
  EXPECT_EQ(get_int(topology.stage("cut")->params, "halo"), 30);
}

TEST(TilesTopology, ThePlanSaysWhoIsPartitionedByTile) {
  const auto plan = make_plan(tile_topology(tile_job(std::string(kCut) + kBlur + kJoin)), RunNumber{1}, "ride", {});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto spec = to_job_spec(*plan);
  EXPECT_EQ(spec.stage("cut")->outputs[0].partition_by, stream::PartitionBy::tile);
  EXPECT_EQ(spec.stage("blur")->partition_by, stream::PartitionBy::tile);
  EXPECT_EQ(spec.stage("blur")->outputs[0].partition_by, stream::PartitionBy::frame);
  EXPECT_THAT(render_plan(*plan), HasSubstr("by tile"));
}

TEST(TilesTopology, ASplitThatDropsOldFramesIsRefused) {
  const std::string cut = "  - { name: cut, from: [a], task: split, max_age: 2s, params: { stripes: 4 } }\n";
  EXPECT_THAT(error_in(tile_job(cut + kBlur + kJoin)),
              testing::AllOf(HasSubstr("cut in part and dropped"), HasSubstr("write max_age at a stage before")));
}

TEST(TilesTopology, AMergesTopicKeepsItsTilesForTwiceTheTimeThatItWaits) {
  const auto join = [](const std::string& topic) {
    return tile_job(std::string(kCut) + kBlur + "  - { name: join, from: [blur], task: merge, topic: { " + topic +
                    " }, params: { timeout_ms: 60000 } }\n");
  };
  EXPECT_THAT(error_in(join("retention: 90s")),
              testing::AllOf(HasSubstr("waits 1m for a missing tile"), HasSubstr("write retention: 2m or more")));
  tile_topology(join("retention: 2m"));
}

TEST(TilesTopology, AStatedHaloMayBeLargerButNotSmaller) {
  const auto with = [](int halo) {
    return tile_job("  - { name: cut, from: [a], task: split, params: { tiles: 2x2, halo: " + std::to_string(halo) +
                    " } }\n" + kBlur + kJoin);
  };
  EXPECT_EQ(get_int(tile_topology(with(31)).stage("cut")->params, "halo"), 31);
  EXPECT_THAT(error_in(with(29)),
              HasSubstr("5: stage 'cut' takes along a halo of 29, but the tasks up to its merge need "
                        "30 | write halo: 30, or leave it out"));
}

TEST(TilesTopology, WholePicturesAreAskedForBeforeTheMergeOnlyBySplittableTasks) {
  EXPECT_THAT(error_in(tile_job(std::string(kCut) + kBlur, "blur")),
              HasSubstr("7: sink 'end' works on tiles of stage 'cut', but task 'discard' is a sink | put a stage with "
                        "task: merge before it"));
  EXPECT_THAT(
      error_in(tile_job(std::string(kCut) + "  - { name: small, from: [cut], task: resize, params: { width: 9, "
                                            "height: 9 } }\n  - { name: join, from: [small], task: merge }\n")),
      HasSubstr("6: stage 'small' works on tiles of stage 'cut', but task 'resize' needs whole pictures | put a "
                "stage with task: merge before it; `ride tasks` shows which tasks are splittable"));
}

TEST(TilesTopology, EveryWayOfTilesEndsAtAMerge) {
  EXPECT_THAT(
      error_in(tile_job(std::string(kCut) + kBlur + kJoin + "  - { name: lost, from: [cut], task: grayscale }\n")),
      HasSubstr("8: stage 'lost' emits tiles that are never put together | add a stage with task: merge, from: "
                "[lost]"));
}

TEST(TilesTopology, AMergeNeedsOneWayOfTiles) {
  EXPECT_THAT(error_in(tile_job("  - { name: join, from: [a], task: merge }\n")),
              HasSubstr("5: stage 'join' reads no tiles: there is no split before it"));
  EXPECT_THAT(error_in(tile_job(std::string(kCut) + kBlur + "  - { name: join, from: [blur, b], task: merge }\n")),
              HasSubstr("stage 'join' reads several stages"));
  EXPECT_THAT(
      error_in(tile_job(std::string(kCut) + "  - { name: again, from: [cut], task: split, params: { stripes: 2 } }\n"
                                            "  - { name: join, from: [again], task: merge }\n")),
      HasSubstr("stage 'again' would split tiles of stage 'cut' again"));
}

TEST(TilesTopology, AFrameThatComesToTheSplitOnTwoWaysHasTwoCutsOfOneName) {
  EXPECT_THAT(error_in(tile_job("  - { name: one, from: [a], task: identity }\n"
                                "  - { name: cut, from: [a, one], task: split, params: { stripes: 4 } }\n" +
                                std::string(kBlur) + kJoin)),
              HasSubstr("the frames of 'a' come to stage 'cut' on several ways"));
}

TEST(TilesTopology, TilesStayAsTheyAreAndInsideTheJob) {
  EXPECT_THAT(error_in(tile_job(std::string(kCut) +
                                "  - { name: blur, from: [cut], task: gaussian_blur, codec: jpeg:90 }\n" + kJoin)),
              HasSubstr("emits tiles as JPEG, which changes their pixels"));
  EXPECT_THAT(
      error_in(tile_job(std::string(kCut) +
                        "  - { name: blur, from: [cut], task: gaussian_blur, output: { topic: t } }\n" + kJoin)),
      HasSubstr("nobody outside of the job can put them together"));
  EXPECT_THAT(error_in(tile_job(std::string(kCut) +
                                "  - { name: blur, from: [cut], task: gaussian_blur, topic: { "
                                "partition_by: source } }\n" +
                                kJoin)),
              HasSubstr("whose order is not kept"));
}

TEST(TilesTopology, AHaloThatNoTileCanTakeAlongIsRefused) {
  std::string stages = kCut, last = "cut";
  for (int i = 0; i < 1001; ++i) {
    const auto name = "s" + std::to_string(i);
    stages += "  - { name: " + name + ", from: [" + last + "], task: gaussian_blur, params: { ksize: 201 } }\n";
    last = name;
  }
  EXPECT_THAT(error_in(tile_job(stages + "  - { name: join, from: [" + last + "], task: merge }\n")),
              HasSubstr("5: the tasks between stage 'cut' and its merge need a halo of 100100 pixels in all, more than "
                        "the 100000 that a tile may take along"));
}

// Two splits that are both wrong: in the order of the flow, whatever lies where in memory.
TEST(TilesTopology, ErrorsComeInTheOrderOfTheFlow) {
  std::string stages, last;
  for (const auto* name : {"z", "m", "a1", "k", "b1"}) {
    const std::string cut = std::string("cut_") + name;
    stages += "  - { name: " + cut + ", from: [a], task: split, params: { stripes: 2, halo: 1 } }\n  - { name: blur_" +
              name + ", from: [" + cut + "], task: gaussian_blur, params: { ksize: 61 } }\n  - { name: join_" + name +
              ", from: [blur_" + name + "], task: merge }\n";
    last += (last.empty() ? "join_" : ", join_") + std::string(name);
  }
  std::vector<int> lines;
  for (const auto& one : tile_outcome(tile_job(stages, last)).diagnostics)
    if (one.severity == Severity::error) lines.push_back(one.line);
  EXPECT_EQ(lines, (std::vector<int>{5, 8, 11, 14, 17}));
}

std::string warning_in(const std::string& text) {
  for (const auto& one : tile_outcome(text).diagnostics)
    if (one.severity == Severity::warning && one.message.find("source 'b'") == std::string::npos)
      return std::to_string(one.line) + ": " + one.message + " | " + one.fix;
  return "";
}

// Decision 0036: what a merge passes on comes as it is finished.
TEST(TilesTopology, ATaskThatNeedsOrderBehindAMergeIsWarnedOf) {
  const auto behind = [](const std::string& topic) {
    return tile_job(
        "  - { name: cut, from: [a], topic: { partition_by: source }, task: split, params: { stripes: 4 } }\n"
        "  - { name: blur, from: [cut], topic: { " +
            topic +
            " }, task: gaussian_blur }\n"
            "  - { name: join, from: [blur], topic: { partition_by: source }, task: merge }\n"
            "  - { name: moved, from: [join], task: motion }\n",
        "moved");
  };
  EXPECT_THAT(warning_in(behind("partitions: 4")),
              HasSubstr("8: stage 'moved' (task 'motion') needs each source's frames in order, but stage 'blur' works "
                        "on several of them at a time and passes them on as each is finished | let it read what comes "
                        "before the split"));
  EXPECT_THAT(warning_in(behind("partitions: 1")), HasSubstr("but stage 'join' works on several of them"));
}

TEST(TilesTopology, ATestPutsWholePicturesInAndLooksAtWholePictures) {
  const auto with = [](const std::string& through) {
    return tile_job(std::string(kCut) + kBlur + kJoin) +
           "tests:\n  - { name: t, input: { synthetic: {} }, through: " + through + ", expect: { outcome: passed } }\n";
  };
  EXPECT_TRUE(tile_outcome(with("[cut, blur, join]")).topology);
  EXPECT_THAT(
      error_in(with("[blur, join]")),
      HasSubstr("10: test 't' begins with stage 'blur', which takes tiles: a test puts whole pictures in | begin "
                "with the stage whose task is split"));
  EXPECT_THAT(error_in(with("[join]")), HasSubstr("begins with stage 'join', which takes tiles"));
  EXPECT_THAT(error_in(with("[cut, blur]")),
              HasSubstr("test 't' ends with stage 'blur', which emits tiles: a test looks at whole pictures | end with "
                        "the stage whose task is merge"));
  EXPECT_THAT(error_in(with("cut")), HasSubstr("test 't' ends with stage 'cut', which emits tiles"));
}

TEST(TilesTopology, ASplitSaysHowManyPartsItMakes) {
  EXPECT_THAT(error_in(tile_job("  - { name: cut, from: [a], task: split }\n" + std::string(kBlur) + kJoin)),
              HasSubstr("task 'split': state either stripes (for example 4) or tiles (for example 2x3)"));
}

}  // namespace
}  // namespace ride::topology
