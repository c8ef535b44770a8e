// What is handed in with a topology: its text, or its text and the files that were shipped for it.
#include "master/submission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include "common/json.h"
#include "common/plugin_permit.h"
#include "stream/core/artifact.h"
#include "stream/spec_json.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::master {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

json honest_file() {
  json file = stream::ArtifactRef{"m.npy", std::string(64, 'a'), 7, std::string(16, 'b'), 3};
  file["stage"] = "product";
  file["param"] = "file";
  return file;
}

Result<SubmittedTopology> read_body(const std::string& body, const std::string& type = kSubmissionType) {
  ApiRequest request;
  request.body = body;
  request.content_type = type;
  return read_submission(request);
}

std::string refused(const json& body) {
  const auto read = read_body(body.dump());
  return read.ok() ? "it is read" : read.error().message;
}

stream::JobSpec job_with(const std::string& task, const ParamValues& params) {
  stream::JobSpec spec;
  spec.stages.push_back({.name = "product", .task = task, .params = params});
  return spec;
}

TEST(Submission, IsATextAloneOrATextWithFiles) {
  EXPECT_EQ(read_body("ride: v1", "application/yaml")->topology, "ride: v1");
  EXPECT_EQ(read_body("ride: v1", "")->topology, "ride: v1");
  EXPECT_EQ(read_body("{}", "application/json")->topology, "{}") << "JSON is YAML";
  const json body = {{"topology", "ride: v1"}, {"artifacts", {honest_file()}}};
  const auto read = read_body(body.dump(), std::string(kSubmissionType) + "; charset=utf-8");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->topology, "ride: v1");
  ASSERT_EQ(read->artifacts.size(), 1U);
  EXPECT_EQ(read->artifacts[0].param, "file");
  EXPECT_EQ(read->artifacts[0].ref, (stream::ArtifactRef{"m.npy", std::string(64, 'a'), 7, std::string(16, 'b'), 3}));
}

TEST(Submission, WhatIsMalformedIsRefusedWithTheCause) {
  const json whole = {{"topology", "x"}, {"artifacts", {honest_file()}}};
  EXPECT_EQ(refused(whole), "it is read");
  EXPECT_THAT(read_body("ride: v1").error().message, HasSubstr("no JSON object"));
  EXPECT_THAT(read_body(std::string(100'000, '[')).error().message, HasSubstr("too deep"));
  EXPECT_THAT(refused({{"artifacts", json::array()}}), HasSubstr("topology"));
  EXPECT_THAT(refused({{"topology", 7}, {"artifacts", json::array()}}), HasSubstr("no application/vnd"));
  EXPECT_THAT(refused({{"topology", "x"}, {"artifacts", {7}}}), HasSubstr("no application/vnd"));
  for (const auto& [key, value] : std::vector<std::pair<std::string, json>>{{"stage", 7},
                                                                            {"param", nullptr},
                                                                            {"value", 7},
                                                                            {"name", "../x"},
                                                                            {"sha256", "zz"},
                                                                            {"size", -1},
                                                                            {"size", 1e300},
                                                                            {"upload", 0},
                                                                            {"offset", 0.5},
                                                                            {"offset", UINT64_MAX}}) {
    auto forged = whole;
    forged["artifacts"][0][key] = value;
    EXPECT_THAT(refused(forged), HasSubstr("no application/vnd")) << key << " " << value;
  }
}

TEST(Submission, AFileBelongsToAParameterThatTakesOne) {
  const auto& catalog = tasks::builtin_catalog();
  const ShippedFile file{"product", "file", {"m.npy", std::string(64, 'a'), 7, std::string(16, 'b'), 3}, {}};
  const ParamValues params = {{"with", std::string("file")}, {"file", std::string("m.npy")}};
  auto spec = job_with("matmul", params);
  ASSERT_TRUE(attach_artifacts({"", {file}, true}, catalog, spec).ok());
  EXPECT_EQ(spec.stages[0].artifacts.at("file"), file.ref);
  const auto refused_for = [&](ShippedFile other, stream::JobSpec job) {
    return !attach_artifacts({"", {std::move(other)}, true}, catalog, job).ok() && job.stages[0].artifacts.empty();
  };
  EXPECT_TRUE(refused_for({"nowhere", "file", file.ref, {}}, job_with("matmul", params)));
  EXPECT_TRUE(refused_for({"product", "with", file.ref, {}}, job_with("matmul", params)));
  EXPECT_TRUE(refused_for({"product", "none", file.ref, {}}, job_with("matmul", params)));
  EXPECT_TRUE(refused_for(file, job_with("grayscale", {})));
  EXPECT_TRUE(refused_for(file, job_with("matmul", {{"file", std::string("node:/m.npy")}}))) << "it lies on the nodes";
  auto huge = file;
  huge.ref.size = std::int64_t{1} << 40;
  EXPECT_TRUE(refused_for(huge, job_with("matmul", params)))
      << "more than the task takes: nodes would make room for it";
}

TEST(Submission, AValueThatIsAnotherOneForTheMasterIsRefusedInWords) {
  const auto& catalog = tasks::builtin_catalog();
  ShippedFile file{"product", "file", {"m.npy", std::string(64, 'a'), 7, std::string(16, 'b'), 3}, "/home/me/m.npy"};
  const auto said = [&](const SubmittedTopology& submitted, const std::string& here) {
    auto job = job_with("matmul", {{"with", std::string("file")}, {"file", here}});
    const auto attached = attach_artifacts(submitted, catalog, job);
    return attached.ok() ? "attached" : attached.error().message;
  };
  EXPECT_EQ(said({"", {file}, true}, "/home/me/m.npy"), "attached");
  EXPECT_THAT(said({"", {file}, true}, "/srv/other.npy"),
              AllOf(HasSubstr("'file' of the stage 'product' is '/srv/other.npy' for the master"),
                    HasSubstr("it was '/home/me/m.npy'"), HasSubstr("${VAR}")));
  EXPECT_THAT(said({"", {}, true}, "/srv/other.npy"), HasSubstr("it was 'no file'"));
  EXPECT_EQ(said({"", {}, true}, "node:/srv/other.npy"), "attached");
  EXPECT_EQ(said({"", {}, true}, ""), "attached") << "it names none";
  EXPECT_EQ(said({"", {}, false}, "/srv/other.npy"), "attached") << "the text alone: a path of the nodes";
  file.value.reset();
  EXPECT_EQ(said({"", {file}, true}, "/srv/other.npy"), "attached") << "an older client says no value";
}

json honest_plugin() {
  json plugin = stream::ArtifactRef{"stamp.so", std::string(64, 'a'), 7, std::string(16, 'b'), 3};
  plugin["file"] = "build/stamp.so";
  plugin["tasks"] = {{{"name", "stamp"},
                      {"doc", "Stamps."},
                      {"params", {{{"name", "gain"}, {"type", "number"}, {"doc", "x"}, {"default", 0.5}}}}}};
  return plugin;
}

TEST(Submission, PluginsComeWithWhatTheyDeclare) {
  const json whole = {{"topology", "x"}, {"artifacts", json::array()}, {"plugins", {honest_plugin()}}};
  const auto read = read_body(whole.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->plugins.size(), 1U);
  EXPECT_EQ(read->plugins[0].file, "build/stamp.so");
  EXPECT_EQ(read->plugins[0].ref.name, "stamp.so");
  ASSERT_EQ(read->plugins[0].tasks.size(), 1U);
  EXPECT_EQ(read->plugins[0].tasks[0].params.at(0).name, "gain");
  for (const auto& [key, value] : std::vector<std::pair<std::string, json>>{{"file", 7},
                                                                            {"file", nullptr},
                                                                            {"name", "../x.so"},
                                                                            {"sha256", "zz"},
                                                                            {"size", -1},
                                                                            {"size", 1e300},
                                                                            {"upload", 0},
                                                                            {"offset", UINT64_MAX},
                                                                            {"tasks", nullptr},
                                                                            {"tasks", json::array()},
                                                                            {"tasks", {7}},
                                                                            {"tasks", {{{"name", "No Name"}}}},
                                                                            {"tasks", json::array_t(300, json())}}) {
    auto forged = whole;
    forged["plugins"][0][key] = value;
    EXPECT_THAT(refused(forged), HasSubstr("no application/vnd")) << key << " " << value;
  }
  for (const json& plugins : std::vector<json>{7, "x", nullptr, {{"a", 1}}, json::array_t(100, honest_plugin())}) {
    auto forged = whole;
    forged["plugins"] = plugins;
    EXPECT_NE(refused(forged), "it is read") << plugins.dump().substr(0, 40);
  }
}

TEST(Submission, AStageWhoseTaskAPluginHasNeedsItAndWorkersThatMayLoadIt) {
  const json whole = {{"topology", "x"}, {"artifacts", json::array()}, {"plugins", {honest_plugin()}}};
  const auto read = read_body(whole.dump());
  ASSERT_TRUE(read.ok());
  auto spec = job_with("stamp", {});
  spec.stages.push_back({.name = "other", .task = "identity"});
  attach_plugins(read->plugins, spec);
  EXPECT_EQ(spec.stages[0].artifacts.at(stream::kPluginArtifact), read->plugins[0].ref);
  EXPECT_EQ(spec.stages[0].group.labels.at(kPluginLabel), "sha256:" + std::string(64, 'a'));
  EXPECT_TRUE(spec.stages[1].artifacts.empty());
  EXPECT_TRUE(spec.stages[1].group.labels.empty());
}

// What a master says of a text that names plug-ins.
std::string parsed(const std::string& text, const std::vector<BroughtPlugin>& plugins) {
  const PlanService desk({.catalog = tasks::builtin_catalog(), .environment = environment_of({})}, nullptr);
  std::vector<topology::Diagnostic> warnings;
  const auto outcome = desk.parse(text, "t.yaml", plugins, {}, warnings);
  const auto* refusal = std::get_if<Refusal>(&outcome);
  if (refusal == nullptr) return "it is taken";
  std::string words = refusal->error.message;
  for (const auto& one : refusal->diagnostics) words += fmt::format("; {}:{}: {}", one.line, one.column, one.message);
  return words;
}

TEST(Submission, APluginIsNamedByTheTextAndComesWithIt) {
  const auto text = [](const std::string& plugins, const std::string& task) {
    return "ride: v1\nname: x\nplugins: " + plugins +
           "\nsources: { a: { synthetic: { width: 9, height: 9 }, fps: 1 } }\nsinks:\n  - { name: bin, from: [one], "
           "task: "
           "discard }\nstages:\n  - { name: one, from: [a], task: " +
           task + " }\n";
  };
  const auto plugins =
      read_body(json{{"topology", "x"}, {"artifacts", json::array()}, {"plugins", {honest_plugin()}}}.dump())
          .value()
          .plugins;
  EXPECT_EQ(parsed(text("[build/stamp.so]", "stamp"), plugins), "it is taken");
  EXPECT_THAT(parsed(text("[build/stamp.so]", "stamp"), {}),
              HasSubstr("3:11: the plug-in 'build/stamp.so' did not come with the topology"));
  EXPECT_THAT(parsed(text("[]", "identity"), plugins), HasSubstr("does not list it under `plugins`"));
  EXPECT_THAT(parsed(text("[build/stamp.so]", "stomp"), plugins), HasSubstr("unknown task 'stomp'"));
  auto taken = plugins;
  taken[0].tasks[0].name = "identity";
  EXPECT_THAT(parsed(text("[build/stamp.so]", "stamp"), taken), HasSubstr("the name 'identity' is that of a task"));
}

}  // namespace
}  // namespace ride::master
