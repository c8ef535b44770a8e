// Files that a topology names, from the machine that submits to a worker that has never seen its disk: real Kafka,
// master, agents and `ride submit`. The agents begin when the file is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <thread>

#include "common/sha256.h"
#include "stream/artifact_log.h"
#include "stream/kafka/admin.h"
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

// As numpy.save() writes it.
std::string npy_of(const cv::Mat1f& matrix) {
  std::string head = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(matrix.rows) + ", " +
                     std::to_string(matrix.cols) + "), }";
  head.resize(128 - 10 - 1, ' ');
  head += '\n';
  const std::string length{static_cast<char>(head.size()), 0};
  return std::string("\x93NUMPY\x01\x00", 8) + length + head +
         std::string(reinterpret_cast<const char*>(matrix.data), matrix.total() * sizeof(float));
}

// A picture times it is the picture seen in a mirror.
cv::Mat1f mirror(int size) {
  cv::Mat1f matrix = cv::Mat1f::zeros(size, size);
  for (int i = 0; i < size; ++i) matrix(i, size - 1 - i) = 1;
  return matrix;
}

class Artifacts : public KafkaTest {
 protected:
  static constexpr int kSide = 40;

  void SetUp() override {
    KafkaTest::SetUp();
    run = std::make_unique<LocalRun>(bootstrap(), unique_name("files"));
    fs::create_directories(run->folder() / "pictures");
    picture = cv::Mat1b(30, kSide);
    cv::randu(picture, 0, 256);
    picture(0, 0) = 0;
    picture(0, 1) = 255;  // so that stretching it over 8 bits changes nothing
    cv::imwrite((run->folder() / "pictures/a.png").string(), picture);
  }

  void write_matrix(const cv::Mat1f& matrix) { std::ofstream(matrix_file(), std::ios::binary) << npy_of(matrix); }
  fs::path matrix_file() const { return laptop / "matrix.npy"; }
  std::string topology(const std::string& params, const std::string& task = "matmul") const {
    return "ride: v1\nname: product\nsources: { photos: { directory: " + (run->folder() / "pictures").string() +
           " } }\nstages:\n  - name: product\n    from: [photos]\n    task: " + task + "\n    params:\n" + params +
           "sinks: [{ name: album, from: [product], task: write_images, params: { path: \"out/{file}\" } }]\n";
  }
  std::string with_file(const std::string& file) const {
    return topology("      with: file\n      output: view\n      file: " + file + "\n");
  }
  LocalRun::Said submit(const std::string& text, std::vector<std::string> more = {}) {
    std::ofstream(laptop / "product.yaml") << text;
    more.insert(more.begin(), {"submit", (laptop / "product.yaml").string()});
    return run->ask_master(more);
  }
  void start_agent(const std::string& node) {
    run->start_agent(node, {"--slots", "2", "--artifacts", cache(node).string()});
  }
  void write_chunk(const stream::ArtifactRef& ref, const std::string& bytes) {
    write(stream::artifact_chunks(stream::artifacts_topic(run->prefix())), stream::chunk_key(ref, 0), bytes);
  }
  void write_index(const std::string& key, const std::string& text) {
    write(stream::artifact_index(stream::artifacts_topic(run->prefix())), key, text);
  }
  static void write(const stream::TopicPartition& to, const std::string& key, const std::string& bytes) {
    kafka::ClientConfig config;
    config.brokers = bootstrap();
    const auto writer = kafka::KafkaWriter::open(config).value();
    ASSERT_TRUE(writer->prepare(to.topic).ok());
    stream::OutRecord record;
    record.key = key;
    record.value = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
    ASSERT_TRUE(writer->send(to, record, [](const auto& done) { EXPECT_TRUE(done.ok()); }).ok());
    ASSERT_TRUE(writer->flush(20s).ok());
  }
  fs::path cache(const std::string& node) const { return run->folder() / ("cache-" + node); }
  cv::Mat result() const { return cv::imread((run->folder() / "out/a.png").string(), cv::IMREAD_UNCHANGED); }
  bool is_completed() {
    return wait_until(60s, [&] { return run->phase("product") == "completed"; });
  }
  static bool same(const cv::Mat& a, const cv::Mat& b) {
    return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
  }

  std::unique_ptr<LocalRun> run;
  TempFolder laptop{"laptop"};
  cv::Mat1b picture;
};

TEST_F(Artifacts, AWorkerHasTheFileThoughItWasRemovedBeforeTheWorkerBegan) {
  write_matrix(mirror(kSide));
  const auto hash = sha256_hex(npy_of(mirror(kSide)));
  const auto said = submit(with_file(matrix_file().string()));
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("ships " + matrix_file().string()));
  const auto used = run->get("/artifacts");
  EXPECT_EQ(used["artifacts"][0]["sha256"], hash) << used;
  EXPECT_EQ(used["artifacts"][0]["param"], "file");
  fs::remove(matrix_file());
  start_agent("n1");
  ASSERT_TRUE(is_completed()) << run->events() << run->logs();
  cv::Mat wanted;
  cv::flip(picture, wanted, 1);
  EXPECT_TRUE(same(result(), wanted));
  EXPECT_TRUE(fs::exists(cache("n1") / hash / "matrix.npy"));
}

TEST_F(Artifacts, AnotherContentUnderTheSameNameIsADifferenceAndIsWhatTheNextRunReads) {
  write_matrix(mirror(kSide));
  const auto text = with_file(matrix_file().string());
  ASSERT_EQ(submit(text).code, 0);
  const auto again = submit(text);
  EXPECT_EQ(again.code, 0) << again.text;
  EXPECT_THAT(again.text, AllOf(HasSubstr("nothing differs"), Not(HasSubstr("ships"))));
  start_agent("n1");
  ASSERT_TRUE(is_completed()) << run->events();

  write_matrix(cv::Mat1f::eye(kSide, kSide));
  // One that goes on: nobody has the label that it waits for.
  const auto waiting = topology("      with: file\n      output: view\n      file: " + matrix_file().string() +
                                "\n    group: { labels: { never: there } }\n");
  ASSERT_EQ(submit(waiting).code, 0);
  write_matrix(mirror(kSide) * 2);
  const auto differs = submit(waiting, {"--dry-run"});
  EXPECT_THAT(differs.text, HasSubstr("params.file (file)")) << differs.text;
  const auto refused = submit(waiting);
  EXPECT_EQ(refused.code, 1) << refused.text;
  EXPECT_THAT(refused.text, HasSubstr("params.file (file)"));
  ASSERT_TRUE(run->cancel("product"));

  write_matrix(cv::Mat1f::eye(kSide, kSide));
  const auto third = submit(text);
  ASSERT_EQ(third.code, 0) << third.text;
  EXPECT_THAT(third.text, Not(HasSubstr("ships"))) << "its content is there already";
  ASSERT_TRUE(wait_until(60s, [&] { return same(result(), picture); })) << run->events();
}

TEST_F(Artifacts, WhatIsMissingIsToldAtSubmitWithItsLine) {
  const auto missing = submit(with_file(matrix_file().string()));
  EXPECT_EQ(missing.code, 2) << missing.text;
  EXPECT_THAT(missing.text, AllOf(HasSubstr("product.yaml:11:13"), HasSubstr(matrix_file().string() + " is not there"),
                                  HasSubstr("node:" + matrix_file().string())));
  fs::create_directory(matrix_file());
  EXPECT_THAT(submit(with_file(matrix_file().string())).text, HasSubstr("is no regular file"));
  fs::remove(matrix_file());
  std::ofstream(matrix_file()) << "";
  EXPECT_THAT(submit(with_file(matrix_file().string())).text, HasSubstr("is empty"));
  fs::resize_file(matrix_file(), (std::uintmax_t{2} << 30) + 5000);  // a hole
  EXPECT_THAT(submit(with_file(matrix_file().string())).text, HasSubstr("at most 2147487744 are taken"));
  EXPECT_EQ(run->phase("product"), "") << "nothing of it was accepted";
}

TEST_F(Artifacts, AFileThatEachNodeHasIsNotShipped) {
  write_matrix(mirror(kSide));
  const auto said = submit(with_file("node:" + matrix_file().string()));
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_TRUE(run->get("/artifacts")["artifacts"].empty());
  start_agent("n1");
  ASSERT_TRUE(is_completed()) << run->events();
  cv::Mat wanted;
  cv::flip(picture, wanted, 1);
  EXPECT_TRUE(same(result(), wanted));
  EXPECT_FALSE(fs::exists(cache("n1")));
}

TEST_F(Artifacts, ATextThatIsHandedInWithoutFilesReadsThemFromTheNodesAsBefore) {
  write_matrix(mirror(kSide));
  ASSERT_TRUE(run->submit(with_file(matrix_file().string())));
  start_agent("n1");
  ASSERT_TRUE(is_completed()) << run->events();
  EXPECT_FALSE(result().empty());
}

TEST_F(Artifacts, AreListedWithTheJobsThatUseThemAndYoungOnesStay) {
  write_matrix(mirror(kSide));
  ASSERT_EQ(submit(with_file(matrix_file().string())).code, 0);
  const auto used = run->ask_master({"artifacts"});
  EXPECT_EQ(used.code, 0);
  EXPECT_THAT(used.text, AllOf(HasSubstr("matrix.npy"), HasSubstr("product/product file")));
  ASSERT_TRUE(run->cancel("product"));
  EXPECT_THAT(run->ask_master({"artifacts"}).text, Not(HasSubstr("product/product file")));
  const auto young = run->ask_master({"artifacts", "prune", "--yes"});
  EXPECT_EQ(young.code, 0);
  EXPECT_THAT(young.text, HasSubstr("was named within the last 1h"));

  EXPECT_EQ(nlohmann::json::parse(run->ask_master({"artifacts", "--json"}).text).size(), 1U);
}

TEST_F(Artifacts, WhatAPruneRemovedIsShippedAgainAndWhatAJobUsesStays) {
  write_matrix(cv::Mat1f::eye(kSide, kSide));
  const auto waiting = topology("      with: file\n      output: view\n      file: " + matrix_file().string() +
                                "\n    group: { labels: { never: there } }\n");
  ASSERT_EQ(submit(waiting).code, 0);
  std::this_thread::sleep_for(20ms);  // it is older than what is asked for below, and stays for its use alone
  const auto prune = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"artifacts", "prune", "--unnamed-for", "10ms"});
    return run->ask_master(more).text;
  };
  EXPECT_THAT(prune({"--yes"}), HasSubstr("no file can be removed"));
  ASSERT_TRUE(run->cancel("product"));
  EXPECT_THAT(prune({}), AllOf(HasSubstr("matrix.npy"), HasSubstr("nothing was removed")));
  EXPECT_THAT(prune({"--yes"}), AllOf(HasSubstr("matrix.npy"), HasSubstr("removed: 1;")));
  EXPECT_EQ(run->ask_master({"artifacts", "--json"}).text, "[]\n");
  EXPECT_THAT(prune({"--yes"}), HasSubstr("no file can be removed"));

  const auto again = submit(with_file(matrix_file().string()));
  ASSERT_EQ(again.code, 0) << again.text;
  EXPECT_THAT(again.text, HasSubstr("ships " + matrix_file().string()));
  start_agent("n1");
  ASSERT_TRUE(is_completed()) << run->events() << run->logs();
  EXPECT_TRUE(same(result(), picture));
}

// The index says that they are there.
TEST_F(Artifacts, BytesThatAreDamagedInKafkaAreShippedAnew) {
  write_matrix(mirror(kSide));
  const auto honest = npy_of(mirror(kSide)), forged = npy_of(cv::Mat1f::eye(kSide, kSide));
  const stream::ArtifactRef ref{"matrix.npy", sha256_hex(honest), static_cast<std::int64_t>(honest.size()),
                                "00000000000000ff", 0};
  write_chunk(ref, forged);
  write_index(stream::upload_key(ref), encode(stream::ArtifactUpload{ref, true, {}}));
  write_index("ride", "no record of an index");
  const auto said = submit(with_file(matrix_file().string()));
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, AllOf(HasSubstr("what Kafka holds is damaged: ships " + matrix_file().string()),
                               HasSubstr("1 of the records in the index of " + run->prefix() +
                                         ".artifacts is not "
                                         "valid and is passed over; the first: offset 1")));
  EXPECT_THAT(run->ask_master({"artifacts"}).text, HasSubstr("the first: offset 1"));
  start_agent("n1");
  ASSERT_TRUE(is_completed()) << run->events() << run->logs();
  cv::Mat wanted;
  cv::flip(picture, wanted, 1);
  EXPECT_TRUE(same(result(), wanted));
}

TEST_F(Artifacts, ATopicThatWouldLoseFilesTakesNone) {
  const auto prefix = unique_name("lossy");
  kafka::ClientConfig config;
  config.brokers = bootstrap();
  const auto admin = kafka::open_admin(config).value();
  const auto made = admin->create({stream::artifacts_topic(prefix),
                                   stream::kArtifactPartitions,
                                   1,
                                   {{"cleanup.policy", "delete"}, {"max.message.bytes", "100000"}}});
  ASSERT_TRUE(made.ok()) << made.error().message;
  run = std::make_unique<LocalRun>(bootstrap(), prefix);
  fs::create_directories(run->folder() / "pictures");
  write_matrix(mirror(kSide));
  const auto refused = submit(with_file(matrix_file().string()));
  EXPECT_NE(refused.code, 0) << refused.text;
  EXPECT_THAT(refused.text, AllOf(HasSubstr("cleanup.policy is delete"), HasSubstr("max.message.bytes is 100000"),
                                  HasSubstr("--add-config cleanup.policy=compact,max.message.bytes=1048576")));
  EXPECT_THAT(run->logs(), HasSubstr("cleanup.policy is delete")) << "the master says so at its start";
  EXPECT_EQ(run->phase("product"), "");
}

TEST_F(Artifacts, AVariableThatIsAnotherFileForTheMasterIsRefused) {
  run = std::make_unique<LocalRun>(bootstrap(), unique_name("files"),
                                   std::vector<std::string>{"RIDE_TEST_MATRIX=/srv/other.npy"});
  fs::create_directories(run->folder() / "pictures");
  write_matrix(mirror(kSide));
  ::setenv("RIDE_TEST_MATRIX", matrix_file().c_str(), 1);
  const auto refused = submit(with_file("${RIDE_TEST_MATRIX}"));
  ::setenv("RIDE_TEST_MATRIX", "node:/srv/mine.npy", 1);
  const auto none_here = submit(with_file("${RIDE_TEST_MATRIX}"));
  ::unsetenv("RIDE_TEST_MATRIX");
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.text, AllOf(HasSubstr("is '/srv/other.npy' for the master"), HasSubstr(matrix_file().string())));
  EXPECT_NE(none_here.code, 0);
  EXPECT_THAT(none_here.text, AllOf(HasSubstr("is '/srv/other.npy' for the master"), HasSubstr("'no file'")));
}

// Whoever may write the topic may write other bytes under a hash.
TEST_F(Artifacts, BytesThatAreNotWhatTheirHashSaysFailTheJobWithTheReason) {
  const auto honest = npy_of(mirror(kSide)), forged = npy_of(cv::Mat1f::eye(kSide, kSide));
  const stream::ArtifactRef ref{"matrix.npy", sha256_hex(honest), static_cast<std::int64_t>(honest.size()),
                                "00000000000000ff", 0};
  write_chunk(ref, forged);
  nlohmann::json file = ref;
  file["stage"] = "product";
  file["param"] = "file";
  const nlohmann::json body = {{"topology", with_file("matrix.npy")}, {"artifacts", {file}}};
  const auto answer = master::test::HttpClient(run->master_port())
                          .send("POST", "/api/v1/jobs", body.dump(), "application/vnd.ride.submission+json");
  ASSERT_EQ(answer.status, 201) << answer.body;
  start_agent("n1");
  ASSERT_TRUE(wait_until(60s, [&] { return run->phase("product") == "failed"; })) << run->events();
  EXPECT_THAT(run->events(), AllOf(HasSubstr("has the SHA-256 " + sha256_hex(forged)), HasSubstr(ref.sha256)));
  EXPECT_FALSE(fs::exists(cache("n1") / ref.sha256));
}

}  // namespace
}  // namespace ride::test
