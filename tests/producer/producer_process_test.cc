// The real ride-producer against a real Kafka. The test is the master: it writes the decisions and reads the reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "memory_access.h"
#include "producer/kafka_access.h"
#include "producer/read_range.h"
#include "producer/topic_manifest.h"
#include "stream/control.h"
#include "stream/control_client.h"
#include "test_files.h"
#include "tests/support/kafka_fixture.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProducerProcess {
 public:
  ProducerProcess(const std::string& brokers, const std::string& prefix) {
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "ride-producer";
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setenv("GATE_PASS", "tops3cret", 1);
    ::execl(program.c_str(), "ride-producer", "--brokers", brokers.c_str(), "--prefix", prefix.c_str(), "--name", "p1",
            "--node", "here", "--metrics", "127.0.0.1:0", nullptr);
    ::_exit(127);
  }
  ~ProducerProcess() {
    if (pid_ > 0) end(SIGKILL);
  }
  ProducerProcess(const ProducerProcess&) = delete;
  ProducerProcess& operator=(const ProducerProcess&) = delete;
  // The exit code; -1: ended by a signal.
  int end(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

// GET /metrics at "127.0.0.1:port", without a library.
std::string http_get(const std::string& address) {
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  std::string answer;
  if (::connect(connection, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    (void)!::write(connection, request.data(), request.size());
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(connection, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(connection);
  return answer;
}

class ProducerProcessTest : public test::KafkaTest {
 protected:
  static constexpr int kPartitions = 3;

  void SetUp() override {
    KafkaTest::SetUp();
    if (HasFatalFailure()) return;
    config_.brokers = bootstrap();
    prefix_ = test::unique_name("producer");
    auto ready = stream::ensure_control_topics(config_, prefix_);
    ASSERT_TRUE(ready.ok()) << ready.error().message;
    decisions_ = stream::open_control_writer(config_, prefix_ + ".decisions").value();
    reports_ = stream::open_control_reader(config_, prefix_ + ".reports").value();
    access_ = make_kafka_access(config_);
    decide(stream::Claim{.epoch = 1, .id = "master"});
  }

  void decide(stream::DecisionBody body) {
    const stream::Decision decision{.log = "log", .epoch = 1, .leader = "master", .body = std::move(body)};
    auto written = decisions_->append(encode(decision), seconds(10));
    ASSERT_TRUE(written.ok()) << written.error().message;
  }

  std::string topic() const { return prefix_ + ".job.1.stage"; }

  void submit(stream::SourceSpec source) {
    source.outputs = {{.to = "stage", .topic = topic(), .partitions = kPartitions}};
    auto made = access_->admin().value()->create({.name = topic(), .partitions = kPartitions});
    ASSERT_TRUE(made.ok()) << made.error().message;
    stream::JobSpec spec{.job = JobName{"job"}, .run = RunNumber{1}, .prefix = prefix_};
    spec.sources = {source};
    spec.stages = {
        {.name = "stage", .topic = topic(), .partitions = kPartitions, .group_id = topic(), .task = "discard"}};
    decide(stream::JobAccepted{.spec = spec});
    phase(stream::JobPhase::running);
  }
  void phase(stream::JobPhase phase) {
    decide(stream::JobPhaseChanged{.job = JobName{"job"}, .run = RunNumber{1}, .phase = phase});
  }
  void assign(const WorkerId& producer, std::int64_t session = 1) {
    decide(stream::AssignSource{.job = JobName{"job"},
                                .run = RunNumber{1},
                                .source = "src",
                                .producer = producer,
                                .session = SessionId{session},
                                .epoch = Epoch{++epoch_}});
  }

  // Reads reports until one satisfies `wanted`; notices and goodbyes are kept.
  template <class Wanted>
  bool report(Wanted wanted, seconds limit = seconds(120)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < deadline) {
      auto entries = reports_->poll(milliseconds(100));
      if (!entries) continue;
      bool found = false;
      for (const auto& entry : *entries) {
        auto decoded = stream::decode_report(entry.json);
        if (!decoded) continue;
        if (const auto* notice = std::get_if<stream::Notice>(&decoded->body))
          notices_.push_back(notice->code + ": " + notice->text);
        everything_ += entry.json;
        found = found || wanted(decoded->body);
      }
      if (found) return true;
    }
    return false;
  }
  bool heartbeat_of_new_producer() {
    return report([&](const stream::ReportBody& body) {
      const auto* beat = std::get_if<stream::Heartbeat>(&body);
      if (beat == nullptr || beat->id == producer_) return false;
      producer_ = beat->id;
      http_ = beat->http;
      return beat->kind == stream::ProcessKind::producer && beat->node.value == "here";
    });
  }
  // The source's progress as the newest heartbeat of the newest producer has it.
  template <class Wanted>
  bool progress(Wanted wanted, seconds limit = seconds(120)) {
    return report(
        [&](const stream::ReportBody& body) {
          const auto* beat = std::get_if<stream::Heartbeat>(&body);
          if (beat == nullptr || beat->id != producer_ || beat->sources.empty()) return false;
          last_ = beat->sources[0];
          return wanted(last_);
        },
        limit);
  }

  // The topic as it stands, in memory, where read_topic() checks what readers take.
  Taken taken() {
    auto log = stream::MemoryLog::make();
    (void)log->admin()->create({.name = topic(), .partitions = kPartitions});
    auto writer = log->writer();
    auto reader = access_->reader().value();
    auto admin = access_->admin().value();
    for (int p = 0; p < kPartitions; ++p) {
      const stream::TopicPartition at{topic(), PartitionId{p}};
      auto range = admin->range(at);
      EXPECT_TRUE(range.ok());
      auto read = read_range(*reader, at, *range, seconds(30), [&](const stream::Record& record) {
        (void)writer->send(
            at, {.key = record.key, .headers = record.headers, .value = record.value, .owner = record.owner}, nullptr);
        (void)writer->flush(seconds(1));
      });
      EXPECT_TRUE(read.ok()) << read.error().message;
    }
    return read_topic(*log, topic(), kPartitions, "src");
  }
  static void expect_each_once(const Taken& taken, std::int64_t total) {
    for (std::int64_t n = 0; n < total; ++n) {
      EXPECT_EQ(taken.pictures.contains(n) + taken.dropped.contains(n), 1) << "number " << n;
    }
    EXPECT_EQ(taken.pictures.size() + taken.dropped.size(), static_cast<std::size_t>(total));
    for (const auto& [number, times] : taken.pictures) EXPECT_EQ(times, 1) << "number " << number;
  }

  static stream::SourceSpec synthetic(double fps, std::int64_t frames) {
    return {.name = "src",
            .kind = "synthetic",
            .fps = fps,
            .finite = frames > 0,
            .params = {{"width", std::int64_t{160}},
                       {"height", std::int64_t{120}},
                       {"channels", std::int64_t{1}},
                       {"frames", frames},
                       {"seed", std::int64_t{1}},
                       {"scene", std::string("moving")}}};
  }

  kafka::ClientConfig config_;
  std::string prefix_;
  std::unique_ptr<stream::ControlWriter> decisions_;
  std::unique_ptr<stream::ControlReader> reports_;
  std::unique_ptr<LogAccess> access_;
  std::int64_t epoch_ = 0;
  WorkerId producer_;
  std::string http_;
  stream::SourceProgress last_;
  std::vector<std::string> notices_;
  std::string everything_;
};

TEST_F(ProducerProcessTest, SendsAFiniteSourcePausesAndSaysGoodbye) {
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  submit(synthetic(100, 150));
  assign(producer_);
  ASSERT_TRUE(progress([](const auto& p) { return p.frames > 20; }));
  phase(stream::JobPhase::paused);
  ASSERT_TRUE(progress([](const auto& p) { return !p.connected; }));
  const std::int64_t at_pause = last_.frames;
  EXPECT_LT(at_pause, 150);
  phase(stream::JobPhase::running);
  ASSERT_TRUE(progress([](const auto& p) { return p.ended; }));
  EXPECT_EQ(last_.frames, 150);
  EXPECT_EQ(last_.total, 150);
  const Taken all = taken();
  expect_each_once(all, 150);
  EXPECT_EQ(all.ended, kPartitions);
  EXPECT_THAT(http_get(http_), testing::HasSubstr("ride_producer_sent_frames_total{job=\"job\",source=\"src\"} 150"));
  phase(stream::JobPhase::completed);
  EXPECT_EQ(process.end(SIGTERM), 0);
  EXPECT_TRUE(report([&](const stream::ReportBody& body) {
    const auto* goodbye = std::get_if<stream::Goodbye>(&body);
    return goodbye != nullptr && goodbye->id == producer_;
  }));
}

TEST_F(ProducerProcessTest, AKilledProducersFolderGoesOnWithoutLossOrRepeat) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(60, 80), ".jpg");
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(1000 + i) + ".jpg";
    i % 50 == 7 ? folder.write(name, "a letter\n") : folder.write(name, jpeg);
  }
  stream::SourceSpec source{.name = "src", .kind = "directory", .uri = folder.path(), .fps = 150, .finite = true};
  bool submitted = false;
  for (int kill = 0; kill < 3; ++kill) {
    ProducerProcess process(bootstrap(), prefix_);
    ASSERT_TRUE(heartbeat_of_new_producer());
    if (!std::exchange(submitted, true)) submit(source);
    assign(producer_);
    const std::int64_t wanted = 30 * (kill + 1);
    ASSERT_TRUE(progress([&](const auto& p) { return p.frames >= wanted; })) << last_.error;
    process.end(SIGKILL);
    folder.write("0-new-" + std::to_string(kill) + ".jpg", jpeg);
  }
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  assign(producer_);
  ASSERT_TRUE(progress([](const auto& p) { return p.ended; })) << last_.error;
  EXPECT_EQ(last_.frames, 196);
  EXPECT_EQ(last_.rejected, 4);
  EXPECT_EQ(last_.total, 200);
  const Taken all = taken();
  expect_each_once(all, 200);
  EXPECT_EQ(all.dropped.size(), 4u);
  // No broken file is reported twice (one may go unreported: its finder was killed before its report was out).
  std::vector<std::string> told;
  for (const std::string& notice : notices_) {
    if (notice.starts_with("broken_picture")) told.push_back(notice);
  }
  EXPECT_FALSE(told.empty());
  EXPECT_EQ(std::set<std::string>(told.begin(), told.end()).size(), told.size());
}

TEST_F(ProducerProcessTest, AKilledProducersTopicIsCopiedWithoutLossOrRepeat) {
  constexpr int kRecords = 300;
  const std::string plates = prefix_ + ".plates";
  ASSERT_TRUE(access_->admin().value()->create({.name = plates, .partitions = 2}).ok());
  auto opened = access_->writer({plates}, 16 << 20);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const auto jpeg = std::make_shared<std::vector<std::uint8_t>>(encoded(test_picture(60, 80), ".jpg"));
  for (int i = 0; i < kRecords; ++i)
    ASSERT_TRUE(opened->writer->send({plates, PartitionId{i % 2}}, {.value = *jpeg, .owner = jpeg}, nullptr).ok());
  ASSERT_TRUE(opened->writer->flush(seconds(10)).ok());
  for (int owner = 1; owner <= 3; ++owner) {
    ProducerProcess process(bootstrap(), prefix_);
    ASSERT_TRUE(heartbeat_of_new_producer());
    if (owner == 1)
      submit({.name = "src", .kind = "topic", .uri = plates, .fps = 150, .params = {{"format", std::string("image")}}});
    assign(producer_);
    ASSERT_TRUE(progress([&](const auto& p) { return p.frames >= 30 * owner; })) << last_.error;
    process.end(SIGKILL);
  }
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  assign(producer_);
  ASSERT_TRUE(eventually([&] { return taken().pictures.size() >= kRecords; })) << last_.error;
  const Taken all = taken();
  expect_each_once(all, kRecords);
  std::set<std::string> records;
  for (const auto& [number, frame] : all.frames) records.insert(frame.header.attributes.at("source_record"));
  EXPECT_EQ(records.size(), std::size_t{kRecords});
}

TEST_F(ProducerProcessTest, ARecordThatCannotBeDecodedIsRejectedAndTheProducerLives) {
  const std::string plates = prefix_ + ".plates";
  ASSERT_TRUE(access_->admin().value()->create({.name = plates, .partitions = 1}).ok());
  auto opened = access_->writer({plates}, 16 << 20);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const auto jpeg = std::make_shared<std::vector<std::uint8_t>>(encoded(test_picture(60, 80), ".jpg"));
  const auto junk = std::make_shared<std::vector<std::uint8_t>>(24, std::uint8_t{7});
  stream::RecordHeader header;  // 30 GB of pixels, packed into 24 bytes
  header.id = {"gate", SessionId{1}, 0};
  header.job = "street";
  header.writer_stage = "gate";
  header.origin = {{"gate", PartitionId{0}}, {0, 0}, RunNumber{1}};
  header.writer = "w1#a";
  header.content_type = stream::kRawContentType;
  header.pixels = stream::PixelFormat{31000, 31000, 4, CV_64F};
  header.compressed = true;
  const stream::TopicPartition at{plates, PartitionId{0}};
  ASSERT_TRUE(opened->writer->send(at, {.value = *jpeg, .owner = jpeg}, nullptr).ok());
  ASSERT_TRUE(
      opened->writer->send(at, {.headers = stream::encode_header(header), .value = *junk, .owner = junk}, nullptr)
          .ok());
  ASSERT_TRUE(opened->writer->send(at, {.value = *jpeg, .owner = jpeg}, nullptr).ok());
  ASSERT_TRUE(opened->writer->flush(seconds(10)).ok());
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  submit(
      {.name = "src", .kind = "topic", .uri = plates, .unpaced = true, .params = {{"format", std::string("image")}}});
  assign(producer_);
  ASSERT_TRUE(progress([](const auto& p) { return p.frames == 2 && p.rejected == 1; })) << last_.error;
  EXPECT_THAT(notices_, testing::Contains(testing::AllOf(testing::HasSubstr("broken_picture"),
                                                         testing::HasSubstr(plates + "/0/1"),
                                                         testing::HasSubstr("31000x31000x4"))));
  EXPECT_EQ(process.end(SIGTERM), 0) << "it has lived through it";
}

TEST_F(ProducerProcessTest, DrainingALiveSourceEndsItAndAMoveStopsIt) {
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  submit(synthetic(100, 0));
  assign(producer_, 1);
  ASSERT_TRUE(progress([](const auto& p) { return p.frames > 10 && p.session.value == 1; }));
  assign(producer_, 2);  // taken away and given back: a new session
  ASSERT_TRUE(progress([](const auto& p) { return p.frames > 10 && p.session.value == 2; }));
  phase(stream::JobPhase::draining);
  ASSERT_TRUE(progress([](const auto& p) { return p.ended; }));
  assign(WorkerId{"other#1"}, 3);
  EXPECT_TRUE(report([&](const stream::ReportBody& body) {
    const auto* beat = std::get_if<stream::Heartbeat>(&body);
    return beat != nullptr && beat->id == producer_ && beat->sources.empty();
  }));
}

TEST_F(ProducerProcessTest, WhoIsDeclaredLostJoinsAgainInTheSameProcess) {
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  const auto before = producer_;
  decide(stream::WorkerOut{.worker = producer_, .reason = "test"});
  ASSERT_TRUE(heartbeat_of_new_producer());
  EXPECT_NE(producer_, before);
  EXPECT_EQ(process.end(SIGTERM), 0);
}

TEST_F(ProducerProcessTest, ACancelledJobWhoseTopicsAreDeletedHarmsNoOther) {
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  submit(synthetic(200, 0));
  assign(producer_);
  ASSERT_TRUE(progress([](const auto& p) { return p.frames > 10; }));
  ASSERT_TRUE(access_->admin().value()->remove(topic()).ok());  // while frames are on their way
  phase(stream::JobPhase::cancelled);
  ASSERT_TRUE(report([&](const stream::ReportBody& body) {
    const auto* beat = std::get_if<stream::Heartbeat>(&body);
    return beat != nullptr && beat->id == producer_ && beat->sources.empty();
  }));
  std::this_thread::sleep_for(seconds(2));
  EXPECT_TRUE(report([&](const stream::ReportBody& body) {
    const auto* beat = std::get_if<stream::Heartbeat>(&body);
    return beat != nullptr && beat->id == producer_ && system_now() - beat->at < seconds(1);
  })) << "the producer lives";
  EXPECT_EQ(process.end(SIGTERM), 0);
}

TEST_F(ProducerProcessTest, ACameraOutOfReachIsReportedWithoutItsPassword) {
  ProducerProcess process(bootstrap(), prefix_);
  ASSERT_TRUE(heartbeat_of_new_producer());
  submit({.name = "src", .kind = "camera", .uri = "rtsp://guard:${GATE_PASS}@127.0.0.1:9/x", .drop_when_late = true});
  assign(producer_);
  ASSERT_TRUE(progress([](const auto& p) { return !p.error.empty(); }));
  EXPECT_THAT(last_.error, testing::HasSubstr("127.0.0.1:9"));
  EXPECT_THAT(last_.error, testing::HasSubstr("onnection refused"));
  EXPECT_EQ(process.end(SIGINT), 0);
  EXPECT_TRUE(report([&](const stream::ReportBody& body) { return std::holds_alternative<stream::Goodbye>(body); }));
  EXPECT_EQ(everything_.find("tops3cret"), std::string::npos);
}

}  // namespace
}  // namespace ride::producer
