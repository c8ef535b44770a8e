#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "tests/topology/test_catalog.h"
#include "topology/diagnostic.h"
#include "topology/output_check.h"
#include "topology/topology.h"
#include "topology/yaml_tree.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ParseOutcome parse(const std::string& text) {
  return parse_topology(text, "f.yaml", test_catalog(), test_environment());
}

Topology valid(const std::string& text) {
  auto outcome = parse(text);
  EXPECT_TRUE(outcome.topology) << render(outcome.diagnostics, text);
  return *outcome.topology;
}

std::string job(const std::string& rest) { return "ride: v1\nname: j\n" + rest; }

constexpr const char* kEnd = "sinks: [{ name: end, from: a, task: discard }]\n";

TEST(TopologyParse, StagesStandInFlowOrderWithSinksLast) {
  const auto topology = valid(job(R"(
sources: { a: { camera: 0 } }
sinks: [{ name: early-sink, from: first, task: discard }]
stages:
  - { name: third, from: second, task: identity, output: { topic: t } }
  - { name: second, from: first, task: identity }
  - { name: first, from: a, task: identity }
)"));
  std::vector<std::string> names;
  for (const Stage& stage : topology.stages()) names.push_back(stage.name);
  EXPECT_THAT(names, ElementsAre("first", "second", "third", "early-sink"));
  EXPECT_TRUE(topology.stage("early-sink")->sink);
  EXPECT_EQ(topology.stage("nobody"), nullptr);
}

TEST(TopologyParse, DefaultsAreFilledIn) {
  const auto topology =
      valid(job("sources: { a: { camera: 0 }, v: { video: f.avi } }\n"
                "stages: [{ name: s, from: [a, v], task: gaussian_blur, group: { min: 3 } }]\n"
                "sinks: [{ name: end, from: s, task: discard }]\n"));
  const Stage& stage = *topology.stage("s");
  EXPECT_EQ(stage.topic.partitions, 6);
  EXPECT_EQ(topology.stage("end")->topic.partitions, 4);
  EXPECT_EQ(stage.topic.retention, std::chrono::minutes(10));
  EXPECT_EQ(stage.group.max, 3);
  EXPECT_EQ(get_int(stage.params, "ksize"), 5);
  EXPECT_EQ(stage.from[0].port, "");
  EXPECT_EQ(topology.stage("end")->from[0].port, "out");
  EXPECT_TRUE(topology.source("a")->drop_when_late) << "a camera drops";
  EXPECT_FALSE(topology.source("v")->drop_when_late) << "a file keeps";
  EXPECT_EQ(topology.source("a")->max_pixels, 1'000'000'000);
  EXPECT_FALSE(topology.finite());
}

TEST(TopologyParse, AParameterThatIsAnObjectIsWrittenAsAMapOrAsJson) {
  const auto environment = environment_of({{"LEAST", "7"}, {"TOKEN", "hidden"}});
  const auto parsed = [&](const std::string& values) {
    return parse_topology(job("sources: { a: { camera: 0 } }\nstages: [{ name: s, from: a, task: python, params: { "
                              "file: x.py, values: " +
                              values + " } }]\nsinks: [{ name: end, from: s, task: discard }]\n"),
                          "f.yaml", tasks::builtin_catalog(), environment);
  };
  const auto values = [&](const std::string& text) {
    const auto outcome = parsed(text);
    EXPECT_TRUE(outcome.topology) << (outcome.diagnostics.empty() ? text : outcome.diagnostics[0].message);
    return outcome.topology ? get_string(outcome.topology->stage("s")->params, "values") : "";
  };
  EXPECT_EQ(values("{ least: 2, share: 0.5, on: true, name: red, text: \"3\", none: , list: [1, { x: y }] }"),
            R"({"least":2,"list":[1,{"x":"y"}],"name":"red","none":null,"on":true,"share":0.5,"text":"3"})");
  EXPECT_EQ(values("{ least: \"${LEAST}\", most: \"${MOST:-9}\" }"), R"({"least":7,"most":9})");
  EXPECT_EQ(values("'{\"least\": 2}'"), R"({"least": 2})");
  EXPECT_EQ(values("{}"), "{}");
  for (const char* wrong : {"[1]", "5", "text", "{ a: \"${NOBODY}\" }", "{ password: \"pw=${TOKEN}\", a: [\"${}\"] }"})
    EXPECT_FALSE(parsed(wrong).topology) << wrong;
  EXPECT_THAT(parsed("[1]").diagnostics[0].message, HasSubstr("'values' is a list, but a map is expected"));
}

TEST(TopologyParse, AJobIsFiniteWhenEverySourceThatIsReadEnds) {
  EXPECT_TRUE(valid(job(std::string("sources: { a: { directory: d }, live: { camera: 0 } }\n") + kEnd)).finite());
  EXPECT_TRUE(valid(job(std::string("sources: { a: { video: d, loop: 3 } }\n") + kEnd)).finite());
  EXPECT_FALSE(valid(job(std::string("sources: { a: { video: d, loop: true } }\n") + kEnd)).finite());
  EXPECT_TRUE(valid(job(std::string("sources: { a: { synthetic: { frames: 5 } } }\n") + kEnd)).finite());
  EXPECT_FALSE(valid(job(std::string("sources: { a: { synthetic: {} } }\n") + kEnd)).finite());
  EXPECT_FALSE(valid(job("sinks: [{ name: s, topic: { name: t, adopt: true }, task: discard }]\n")).finite());
}

TEST(TopologyParse, ATaskThatNeedsOrderGetsAPartitionBySource) {
  const auto topology =
      valid(job("sources: { a: { camera: 0 } }\nstages: [{ name: t, from: a, task: track }]\n"
                "sinks: [{ name: end, from: t, task: discard }]\n"));
  EXPECT_EQ(topology.stage("t")->topic.partition_by, PartitionBy::source);
  EXPECT_EQ(topology.stage("end")->topic.partition_by, PartitionBy::frame);
}

TEST(TopologyParse, UrisKeepTheirVariablesAndOtherValuesAreFilledIn) {
  const auto topology = valid(job(R"(
sources: { a: { camera: "rtsp://${CAM_USER}:${CAM_PASS}@host/x", node: "${WORD}", fps: "${PARTS}" } }
stages: [{ name: s, from: a, task: identity, group: { labels: { price: "5$$ ${PARTS}" } }, output: { topic: t } }]
)"));
  EXPECT_EQ(topology.source("a")->uri, "rtsp://${CAM_USER}:${CAM_PASS}@host/x");
  EXPECT_EQ(topology.source("a")->node, "secret-word");
  EXPECT_EQ(topology.source("a")->fps, 6);
  EXPECT_EQ(topology.stage("s")->group.labels.at("price"), "5$ 6");
}

TEST(TopologyParse, AllErrorsOfAFileAreToldAtOnceInOrderOfPlaces) {
  const auto outcome =
      parse(job("sources: { a: { camera: 0, fps: -1 } }\n"
                "stages:\n"
                "  - { name: s, from: [b], task: blurr, group: { min: 0 } }\n"));
  EXPECT_FALSE(outcome.topology);
  std::vector<std::pair<int, int>> places;
  for (const auto& d : outcome.diagnostics) places.emplace_back(d.line, d.column);
  EXPECT_THAT(places, ElementsAre(std::pair(3, 33), std::pair(5, 23), std::pair(5, 33), std::pair(5, 54)));
}

TEST(TopologyParse, AnUnknownTaskIsToldWithPlaceSuggestionAndCaret) {
  const std::string text =
      job("sources: { a: { camera: 0 } }\nstages:\n  - name: s\n    from: [a]\n    task: blurr\n"
          "    output: { topic: t }\n");
  const auto outcome = parse(text);
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  const std::string shown = render(outcome.diagnostics, text);
  EXPECT_THAT(shown, HasSubstr("unknown task 'blurr', did you mean 'gaussian_blur'?"));
  EXPECT_THAT(shown, HasSubstr("--> f.yaml:7:11\n"));
  EXPECT_THAT(shown, HasSubstr("7 |     task: blurr\n  |           ^^^^^\n"));
}

TEST(TopologyParse, PlacesCountCharactersNotBytes) {
  const auto outcome = parse(job("sources: { a: { camera: 0, node: \"äöü\", fsp: 1 } }\n") + kEnd);
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  EXPECT_EQ(outcome.diagnostics[0].line, 3);
  EXPECT_EQ(outcome.diagnostics[0].column, 41);
}

TEST(TopologyParse, WindowsLineEndsAndAByteOrderMarkAreRead) {
  EXPECT_TRUE(
      parse(std::string("\xEF\xBB\xBF") + "ride: v1\r\nname: j\r\nsources: { a: { camera: 0 } }\r\n" + kEnd).topology);
}

TEST(TopologyParse, AHugeFileIsRefusedBeforeItIsRead) {
  const auto outcome = parse(std::string(kMaxFileBytes + 1, '#'));
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  EXPECT_THAT(outcome.diagnostics[0].message, HasSubstr("bytes; at most"));
}

TEST(TopologyParse, TooManyStagesAreRefusedAndThousandsOfWrongNamesToldInAMoment) {
  std::string text = job("stages:\n");
  for (int i = 0; i < 2000; ++i)
    text += "  - { name: s" + std::to_string(i) + ", from: [x" + std::to_string(i) + "y], task: identity }\n";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(parse(text).diagnostics.size(), 2000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  text += "  - { name: one-more, from: [s1], task: identity }\n";
  EXPECT_THAT(parse(text).diagnostics.at(0).message, HasSubstr("2001 stages; at most 2000"));
}

TEST(TopologyParse, ThousandsOfSourcesAndStagesAreReadInAMoment) {
  std::string text = job("sources:\n"), stages = "stages:\n";
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    text += "  c" + std::to_string(i) + ": { camera: " + std::to_string(i) + " }\n";
    stages += "  - { name: s" + std::to_string(i) + ", from: [" + (i == 0 ? "c0" : "s" + std::to_string(i - 1)) +
              "], task: identity }\n";
    all += "c" + std::to_string(i) + ", ";
  }
  text += stages + "sinks: [{ name: end, from: [" + all + "s999], task: discard }]\n";
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = parse(text);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  ASSERT_TRUE(outcome.topology) << render(outcome.diagnostics, text).substr(0, 2000);
  EXPECT_EQ(outcome.topology->stages().size(), 1001u);
}

TEST(TopologyParse, DiagnosticsAreJsonForScripts) {
  const auto outcome = parse("ride: v1\nname: X\n");
  const auto json = nlohmann::json::parse(render_json(outcome.diagnostics));
  ASSERT_GE(json.size(), 1u);
  EXPECT_EQ(json.back()["file"], "f.yaml");
  EXPECT_EQ(json.back()["severity"], "error");
}

TEST(TopologyParse, WhatCouldActOnATerminalIsNotPrinted) {
  const std::string text =
      "ride: v1\nname: \xC2\x9B"
      "31m\n";
  const std::string shown = render(parse(text).diagnostics, text);
  EXPECT_EQ(shown.find("\xC2\x9B"), std::string::npos) << shown;
}

TEST(Outputs, OfASinkLieWhereSomeNodeLetsThem) {
  const auto outcome = [](const std::string& path, const std::vector<NodeOutputs>& nodes) {
    return parse_topology(
        "ride: v1\nname: t\nsources: { a: { directory: in } }\nsinks:\n  - { name: album, from: [a], task: "
        "write_images, params: { path: \"" +
            path + "\" } }\n",
        "f.yaml", test_catalog(), test_environment(), nodes);
  };
  const std::vector<NodeOutputs> nodes = {{"north", {"/srv/out"}}, {"south", {"/mnt/a", "/mnt/b"}}};
  for (const char* path : {"out/{seq}.jpg", "/srv/out/{seq}.jpg", "/mnt/b/x/{seq}.jpg", "../b/{seq}.jpg"})
    EXPECT_TRUE(outcome(path, nodes).topology) << path;
  for (const char* path :
       {"/etc/cron.d/{seq}.jpg", "../../x/{seq}.jpg", "/srv/out2/{seq}.jpg", "/srv/out/../{seq}.jpg"}) {
    const auto refused = outcome(path, nodes);
    ASSERT_FALSE(refused.topology) << path;
    const auto& error = refused.diagnostics.front();
    EXPECT_EQ(error.line, 5);
    EXPECT_NE(error.message.find("north: /srv/out; south: /mnt/a, /mnt/b"), std::string::npos) << error.message;
    EXPECT_NE(error.fix.find("--output"), std::string::npos) << error.fix;
    EXPECT_TRUE(outcome(path, {}).topology) << "where no agent has said anything, the workers decide";
  }
}

}  // namespace
}  // namespace ride::topology
