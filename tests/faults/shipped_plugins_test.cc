// Plug-ins that a topology names, from the machine that submits to workers that never had them: real Kafka, master,
// agents and `ride submit`. Which node loads what is its agent's to say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "common/file_text.h"
#include "common/sha256.h"
#include "stream/core/artifact.h"
#include "stream/kafka/writer.h"
#include "stream/spec_json.h"
#include "tests/faults/local_run.h"
#include "tests/master/http_client.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class ShippedPlugins : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run = std::make_unique<LocalRun>(bootstrap(), unique_name("plugins"));
    fs::create_directories(run->folder() / "pictures");
    cv::imwrite((run->folder() / "pictures/a.png").string(), cv::Mat1b(30, 40, 200));
  }

  // As a user builds it anew, under the same name.
  std::string build(const std::string& file) {
    fs::copy_file(file, plugin(), fs::copy_options::overwrite_existing);
    return sha256_hex(file_text(plugin()));
  }
  fs::path plugin() const { return laptop / "stamp.so"; }
  std::string topology(const std::string& job) const {
    return "ride: v1\nname: " + job + "\nplugins: [\"" + plugin().string() +
           "\"]\nsources: { photos: { directory: " + (run->folder() / "pictures").string() +
           " } }\nstages: [{ name: mark, from: [photos], task: stamp }]\n"
           "sinks: [{ name: album, from: [mark], task: write_images, params: { path: \"out/" +
           job + "/{file}\" } }]\n";
  }
  LocalRun::Said submit(const std::string& job, std::vector<std::string> more = {}) {
    std::ofstream(laptop / "job.yaml") << topology(job);
    more.insert(more.begin(), {"submit", (laptop / "job.yaml").string()});
    return run->ask_master(more);
  }
  void start_agent(const std::string& node, const std::string& permit = {}) {
    std::vector<std::string> arguments = {"--slots", "2", "--artifacts", cache(node).string()};
    if (!permit.empty()) arguments.insert(arguments.end(), {"--allow-plugin", permit});
    run->start_agent(node, arguments);
  }
  // The record that its chunk is.
  void write_chunk(const stream::ArtifactRef& ref, const std::string& bytes) {
    kafka::ClientConfig config;
    config.brokers = bootstrap();
    const auto writer = kafka::KafkaWriter::open(config).value();
    const auto to = stream::artifact_chunks(stream::artifacts_topic(run->prefix()));
    ASSERT_TRUE(writer->prepare(to.topic).ok());
    stream::OutRecord record;
    record.key = stream::chunk_key(ref, 0);
    record.value = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
    ASSERT_TRUE(writer->send(to, record, [](const auto& done) { EXPECT_TRUE(done.ok()); }).ok());
    ASSERT_TRUE(writer->flush(20s).ok());
  }
  // Handed in by somebody who does not use `ride submit`.
  void hand_in(const stream::ArtifactRef& ref) {
    nlohmann::json plugin_of = ref;
    plugin_of["file"] = plugin().string();
    plugin_of["tasks"] = {{{"name", "stamp"}, {"doc", "Looks harmless."}}};
    const nlohmann::json body = {
        {"topology", topology("job")}, {"artifacts", nlohmann::json::array()}, {"plugins", {plugin_of}}};
    const auto answer = master::test::HttpClient(run->master_port())
                            .send("POST", "/api/v1/jobs", body.dump(), "application/vnd.ride.submission+json");
    ASSERT_EQ(answer.status, 201) << answer.body;
  }
  fs::path cache(const std::string& node) const { return run->folder() / ("cache-" + node); }
  bool is_completed(const std::string& job) {
    return wait_until(90s, [&] { return run->phase(job) == "completed"; });
  }
  bool has_failed() {
    return wait_until(60s, [&] { return run->phase("job") == "failed"; });
  }
  // That all its pixels have; -1: it is not there, or has several.
  int written(const std::string& job) const {
    const auto picture = cv::imread((run->folder() / "out" / job / "a.png").string(), cv::IMREAD_GRAYSCALE);
    double least = 0, most = 0;
    if (!picture.empty()) cv::minMaxLoc(picture, &least, &most);
    return picture.empty() || least != most ? -1 : static_cast<int>(least);
  }

  std::unique_ptr<LocalRun> run;
  TempFolder laptop{"laptop"};
};

TEST_F(ShippedPlugins, AWorkerThatNeverHadItLoadsItByItsHash) {
  const auto hash = build(RIDE_STAMP_1);
  const auto said = submit("job");
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("ships " + plugin().string()));
  const auto used = run->get("/artifacts");
  EXPECT_EQ(used["artifacts"][0]["sha256"], hash) << used;
  EXPECT_EQ(used["artifacts"][0]["param"], "plug-in");
  fs::remove(plugin());
  start_agent("n1", "sha256:" + hash);
  ASSERT_TRUE(is_completed("job")) << run->events() << run->logs();
  EXPECT_EQ(written("job"), 1);
}

TEST_F(ShippedPlugins, VersionsOfOneNameDoNotMeet) {
  start_agent("n1", "any");
  const auto one = build(RIDE_STAMP_1);
  for (int round = 0; round < 2; ++round) {
    for (const int version : {1, 2}) {
      const auto hash = build(version == 1 ? RIDE_STAMP_1 : RIDE_STAMP_2);
      EXPECT_EQ(hash == one, version == 1);
      const auto job = fmt::format("job{}-{}", version, round);
      const auto said = submit(job);
      ASSERT_EQ(said.code, 0) << said.text;
      ASSERT_TRUE(is_completed(job)) << run->events() << run->logs();
      EXPECT_EQ(written(job), version) << run->events();
    }
  }
  EXPECT_THAT(run->events(), AllOf(HasSubstr("it has loaded another plug-in"), Not(HasSubstr("worker_failed"))));
}

TEST_F(ShippedPlugins, ANodeThatDoesNotAllowItIsNamedAtSubmit) {
  start_agent("n1");
  start_agent("n2", "sha256:" + std::string(64, 'a'));
  ASSERT_TRUE(wait_until(60s, [&] { return run->get("/workers")["workers"].size() >= 6; })) << run->logs();
  const auto hash = build(RIDE_STAMP_1);
  const auto refused = submit("job");
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.text, AllOf(HasSubstr("no node lets its workers load the plug-in 'stamp.so'"),
                                  HasSubstr("n1, n2"), HasSubstr("--allow-plugin sha256:" + hash)));
  EXPECT_EQ(run->phase("job"), "");
  EXPECT_NE(submit("job", {"--dry-run"}).code, 0);
  start_agent("n3", "sha256:" + hash);
  ASSERT_TRUE(wait_until(60s, [&] { return submit("job").code == 0; }));
  ASSERT_TRUE(is_completed("job")) << run->events();
  EXPECT_EQ(written("job"), 1);
  EXPECT_FALSE(fs::exists(cache("n1") / hash)) << "who may not load it does not fetch it";
}

TEST_F(ShippedPlugins, AJobWaitsForANodeThatAllowsItAndNobodyIsStartedAgain) {
  const auto hash = build(RIDE_STAMP_1);
  ASSERT_EQ(submit("job").code, 0) << "nobody is there yet who could forbid it";
  start_agent("n1");
  const auto waiting = [&] { return run->get("/jobs/job")["waiting"].dump(); };
  ASSERT_TRUE(wait_until(60s, [&] { return waiting().find("--allow-plugin sha256:" + hash) != std::string::npos; }))
      << waiting() << run->events();
  start_agent("n2", "any");
  ASSERT_TRUE(is_completed("job")) << run->events();
  EXPECT_THAT(run->events(), AllOf(Not(HasSubstr("ended")), Not(HasSubstr("crash")))) << run->events();
}

// Whoever may write the topic may write other bytes under a hash.
TEST_F(ShippedPlugins, BytesThatAreNotWhatTheirHashSaysAreNotLoaded) {
  build(RIDE_STAMP_1);
  const auto honest = file_text(RIDE_STAMP_1), forged = file_text(RIDE_STAMP_2);
  const stream::ArtifactRef ref{"stamp.so", sha256_hex(honest), static_cast<std::int64_t>(honest.size()),
                                "00000000000000ff", 0};
  ASSERT_EQ(honest.size(), forged.size());
  write_chunk(ref, forged);
  hand_in(ref);
  start_agent("n1", "sha256:" + ref.sha256);
  ASSERT_TRUE(has_failed()) << run->events();
  EXPECT_THAT(run->events(), AllOf(HasSubstr("has the SHA-256 " + sha256_hex(forged)), HasSubstr(ref.sha256)));
  EXPECT_FALSE(fs::exists(run->folder() / "out"));
}

TEST_F(ShippedPlugins, WhatIsNoPluginFailsTheJobOnceWithTheReason) {
  build(RIDE_STAMP_1);
  const std::string text = "#!/bin/sh\ntouch /tmp/owned\n";
  const stream::ArtifactRef ref{"stamp.so", sha256_hex(text), static_cast<std::int64_t>(text.size()),
                                "00000000000000ff", 0};
  write_chunk(ref, text);
  hand_in(ref);
  start_agent("n1", "any");
  ASSERT_TRUE(has_failed()) << run->events();
  EXPECT_THAT(run->events(), HasSubstr("plug-in stamp.so: is no shared library (ELF)"));
}

TEST_F(ShippedPlugins, OneThatCrashesAtLoadingFailsTheJobAndNoWorker) {
  build(RIDE_STAMP_1);
  const auto bytes = file_text(RIDE_FAULT_CRASH);
  const stream::ArtifactRef ref{"stamp.so", sha256_hex(bytes), static_cast<std::int64_t>(bytes.size()),
                                "00000000000000ff", 0};
  ASSERT_LE(ref.size, stream::kArtifactChunkBytes);
  write_chunk(ref, bytes);
  hand_in(ref);
  start_agent("n1", "any");
  ASSERT_TRUE(has_failed()) << run->events();
  EXPECT_THAT(run->events(), AllOf(HasSubstr("plug-in stamp.so: loading it failed: it crashed with signal 11"),
                                   Not(HasSubstr("n1-w1 ended")), Not(HasSubstr("n1-w2 ended"))));
}

TEST_F(ShippedPlugins, ATextThatComesWithoutThemIsRefusedWithTheLine) {
  build(RIDE_STAMP_1);
  const auto answer =
      master::test::HttpClient(run->master_port()).send("POST", "/api/v1/jobs", topology("job"), "application/yaml");
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, AllOf(HasSubstr("did not come with the topology"), HasSubstr("\"line\":3")));
}

}  // namespace
}  // namespace ride::test
