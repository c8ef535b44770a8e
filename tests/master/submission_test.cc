// What is handed in with a topology: its text, or its text and the files that were shipped for it.
#include "master/submission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
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

}  // namespace
}  // namespace ride::master
