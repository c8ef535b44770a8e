// The Kafka adapters against a real broker: what only Kafka can show.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <opencv2/core.hpp>
#include <thread>

#include "stream/control_client.h"
#include "stream/core/set.h"
#include "stream/frame_writer.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"
#include "tests/support/kafka_fixture.h"

namespace ride::stream {
namespace {

using namespace std::chrono_literals;

class KafkaPorts : public test::KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    config.brokers = bootstrap();
    admin = kafka::open_admin(config).value();
    ASSERT_TRUE(ensure_control_topics(config, prefix).ok());
    ASSERT_TRUE(admin->create({topic, 3, 1, {}}).ok());
  }
  Record next(RecordReader& reader) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      auto record = reader.poll(50ms);
      if (record.ok() && *record) return std::move(**record);
      if (!record.ok() && !record.error().retriable) ADD_FAILURE() << record.error().message;
    }
    ADD_FAILURE() << "no record came";
    return {};
  }
  OutRecord text(const std::string& words) {
    auto owner = std::make_shared<std::string>(words);
    return {
        "k", {{"h", "v"}, {"empty", ""}}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
  }

  kafka::ClientConfig config;
  std::string topic = test::unique_name("frames"), prefix = test::unique_name("ride"), group = topic + ".group";
  std::unique_ptr<TopicAdmin> admin;
};

TEST_F(KafkaPorts, ARecordArrivesWithKeyHeadersAndBytes) {
  auto writer = kafka::KafkaWriter::open(config).value();
  ASSERT_TRUE(writer->prepare(topic).ok());
  Offset delivered{-1};
  ASSERT_TRUE(
      writer->send({topic, PartitionId{1}}, text("hello"), [&](const Result<Offset>& at) { delivered = at.value(); })
          .ok());
  ASSERT_TRUE(writer->flush(10s).ok());
  EXPECT_EQ(delivered, Offset{0});
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  ASSERT_TRUE(reader->assign({topic, PartitionId{1}}, Offset{0}).ok());
  const auto record = next(*reader);
  EXPECT_EQ(std::string(record.value.begin(), record.value.end()), "hello");
  EXPECT_EQ(record.headers, (Headers{{"h", "v"}, {"empty", ""}}));
  EXPECT_EQ(record.key, "k");
}

// Without being woken, librdkafka 2.0.2 looks at a queue that was full once a second only: it runs empty in between.
TEST_F(KafkaPorts, AQueueOfLessThanASecondsRecordsDoesNotRunEmpty) {
  const TopicPartition at{topic, PartitionId{0}};
  constexpr int kRecords = 192;
  const auto owner = std::make_shared<std::string>(1 << 20, 'x');
  auto writer = kafka::KafkaWriter::open(config).value();
  for (int sent = 0; sent < kRecords;) {
    OutRecord record{"", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
    writer->send(at, std::move(record), nullptr).ok() ? void(++sent) : writer->serve(10ms);
  }
  ASSERT_TRUE(writer->flush(60s).ok());
  auto reader = kafka::KafkaReader::open(config, {.group = group, .prefetch_bytes = 24 << 20}).value();
  ASSERT_TRUE(reader->assign(at, Offset{0}).ok());
  int stalls = 0;
  for (int i = 0; i < kRecords; ++i) {
    const auto began = std::chrono::steady_clock::now();
    ASSERT_EQ(next(*reader).offset, Offset{i});
    if (i > 0 && std::chrono::steady_clock::now() - began > 400ms) ++stalls;
    std::this_thread::sleep_for(3ms);  // the work: the queue lasts for a tenth of a second
  }
  EXPECT_LE(stalls, 2) << "without waking: one for each filling of the queue";
}

// End and outcome records carry no picture. A value of null makes CloudEvents' official readers fail.
TEST_F(KafkaPorts, ARecordWithoutBytesHasAnEmptyValueAndNotNull) {
  auto writer = kafka::KafkaWriter::open(config).value();
  ASSERT_TRUE(writer->send({topic, PartitionId{0}}, {"", {{"h", "v"}}, {}, nullptr}, {}).ok());
  ASSERT_TRUE(writer->flush(10s).ok());
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  ASSERT_TRUE(reader->assign({topic, PartitionId{0}}, Offset{0}).ok());
  const auto record = next(*reader);
  EXPECT_EQ(record.value.size(), 0U);
  EXPECT_NE(record.value.data(), nullptr) << "the value is null";
}

TEST_F(KafkaPorts, AHeldRecordOutlivesItsReader) {
  auto writer = kafka::KafkaWriter::open(config).value();
  ASSERT_TRUE(writer->send({topic, PartitionId{0}}, text("held"), {}).ok());
  ASSERT_TRUE(writer->flush(10s).ok());
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  ASSERT_TRUE(reader->assign({topic, PartitionId{0}}, Offset{0}).ok());
  auto record = next(*reader);
  reader.reset();
  EXPECT_EQ(std::string(record.value.begin(), record.value.end()), "held");
}

TEST_F(KafkaPorts, ACommitWithMetadataIsReadBackByAnotherClient) {
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  const TopicPartition at{topic, PartitionId{2}};
  EXPECT_EQ(reader->committed(group, {at}).value().at(at), std::nullopt);
  const Commit commit{Offset{17}, std::string(3000, 'x')};
  ASSERT_TRUE(reader->commit(group, {{at, commit}}).ok());
  EXPECT_EQ(kafka::open_commit_store(config).value()->committed(group, {at}).value().at(at), commit);
}

TEST_F(KafkaPorts, AnOffsetOutsideTheLogIsSaidNotReset) {
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  ASSERT_TRUE(reader->assign({topic, PartitionId{0}}, Offset{1000}).ok());
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  Result<std::optional<Record>> record = std::optional<Record>();
  while (record.ok() && std::chrono::steady_clock::now() < deadline) record = reader->poll(50ms);
  ASSERT_FALSE(record.ok());
  EXPECT_EQ(record.error().code, ErrorCode::corrupt);
}

TEST_F(KafkaPorts, RetentionThatOvertakesAReaderIsToldOnceForEachPartition) {
  const TopicPartition places[] = {{topic, PartitionId{0}}, {topic, PartitionId{1}}};
  auto writer = kafka::KafkaWriter::open(config).value();
  const auto owner = std::make_shared<std::string>("record");
  for (const auto& at : places)
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(writer
                      ->send(at, {"", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner},
                             nullptr)
                      .ok());
  ASSERT_TRUE(writer->flush(20s).ok());
  auto admin = kafka::open_admin(config).value();
  ASSERT_TRUE(admin->delete_before(places[0], Offset{4}).ok());
  ASSERT_TRUE(admin->delete_before(places[1], Offset{6}).ok());
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  for (const auto& at : places) ASSERT_TRUE(reader->assign(at, Offset{0}).ok());
  std::map<TopicPartition, std::vector<std::int64_t>> told, read;
  for (const auto deadline = std::chrono::steady_clock::now() + 30s;
       read[places[0]].size() + read[places[1]].size() < 10 && std::chrono::steady_clock::now() < deadline;) {
    auto record = reader->poll(50ms);
    if (record.ok()) {
      if (*record) read[(*record)->at].push_back((*record)->offset.value);
      continue;
    }
    EXPECT_EQ(record.error().code, ErrorCode::corrupt) << record.error().message;
    ASSERT_TRUE(reader->overtaken().has_value()) << record.error().message;
    const auto [at, first] = *reader->overtaken();
    told[at].push_back(first.value);
    reader->unassign(at);
    ASSERT_TRUE(reader->assign(at, first).ok());
  }
  EXPECT_EQ(told[places[0]], std::vector<std::int64_t>{4});
  EXPECT_EQ(told[places[1]], std::vector<std::int64_t>{6});
  EXPECT_EQ(read[places[0]], (std::vector<std::int64_t>{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(read[places[1]], (std::vector<std::int64_t>{6, 7, 8, 9}));
}

// Writes one record in a transaction: a mark that no reader is ever handed stands behind it in the log.
void write_in_a_transaction(const kafka::ClientConfig& config, const TopicPartition& at) {
  std::array<char, 256> why{};
  auto* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", config.brokers.c_str(), why.data(), why.size());
  rd_kafka_conf_set(conf, "transactional.id", at.topic.c_str(), why.data(), why.size());
  std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size()), rd_kafka_destroy);
  ASSERT_TRUE(client) << why.data();
  ASSERT_EQ(rd_kafka_init_transactions(client.get(), 20'000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(client.get()), nullptr);
  ASSERT_EQ(rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(at.topic.c_str()),
                              RD_KAFKA_V_PARTITION(at.partition.value), RD_KAFKA_V_VALUE(const_cast<char*>("x"), 1),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_commit_transaction(client.get(), 20'000), nullptr);
}

TEST_F(KafkaPorts, TheEndOfALogIsKnownBehindATransactionsMark) {
  const TopicPartition at{topic, PartitionId{0}};
  write_in_a_transaction(config, at);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  // The mark is written after the producer got the answer that all is well.
  while (admin->range(at).value().end != Offset{2} && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(admin->range(at).value().end, Offset{2});
  auto reader = kafka::KafkaReader::open(config, {.group = group, .reports_ends = true}).value();
  ASSERT_TRUE(reader->assign(at, Offset{0}).ok());
  EXPECT_EQ(next(*reader).offset, Offset{0});
  while (!reader->at_end(at) && std::chrono::steady_clock::now() < deadline)
    EXPECT_EQ(reader->poll(20ms).value(), std::nullopt) << "the mark is no record";
  EXPECT_EQ(reader->at_end(at), Offset{2});
}

TEST_F(KafkaPorts, TopicsAreMadeListedTrimmedAndRemoved) {
  EXPECT_EQ(admin->create({topic, 3, 1, {}}).error().code, ErrorCode::already_exists);
  auto writer = kafka::KafkaWriter::open(config).value();
  const TopicPartition at{topic, PartitionId{0}};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(writer->send(at, text("x"), {}).ok());
  }
  ASSERT_TRUE(writer->flush(10s).ok());
  EXPECT_EQ(admin->range(at).value().end, Offset{5});
  ASSERT_TRUE(admin->delete_before(at, Offset{3}).ok());
  EXPECT_EQ(admin->range(at).value().first, Offset{3});
  bool listed = false;
  for (const auto deadline = std::chrono::steady_clock::now() + 10s;
       !listed && std::chrono::steady_clock::now() < deadline;)
    for (const auto& info : admin->topics().value()) listed = listed || (info.name == topic && info.partitions == 3);
  EXPECT_TRUE(listed);
  EXPECT_TRUE(admin->remove(topic).ok());
}

TEST_F(KafkaPorts, AnUnreachableBrokerIsNamedWithTheRemedy) {
  config.brokers = "127.0.0.1:1";
  const auto opened = kafka::open_admin(config, 500ms);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
  EXPECT_NE(opened.error().message.find("127.0.0.1:1"), std::string::npos);
  EXPECT_NE(opened.error().message.find("ride broker"), std::string::npos);
}

TEST_F(KafkaPorts, TheControlLogIsReadFromItsBeginningInOrder) {
  auto writer = open_control_writer(config, prefix + ".decisions").value();
  ASSERT_TRUE(writer->append_all({"1", "2", "3"}, 10s).ok());
  auto reader = open_control_reader(config, prefix + ".decisions").value();
  std::string seen;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!reader->caught_up() && std::chrono::steady_clock::now() < deadline)
    for (const auto& entry : reader->poll(50ms).value()) seen += entry.json;
  EXPECT_EQ(seen, "123");
}

TEST_F(KafkaPorts, ASourcesFramesComeBackWholeFromTheirHomePartitionsChunksToo) {
  config.max_message_bytes = 1 << 20;
  auto writer = kafka::KafkaWriter::open(config).value();
  FrameSetWriter frames(*writer, {.job = "job",
                                  .run = RunNumber{1},
                                  .source = "cam",
                                  .writer = "p",
                                  .outputs = {{.to = "s", .topic = topic, .partitions = 3}},
                                  .default_codec = "",
                                  .max_message_bytes = config.max_message_bytes});
  cv::Mat large(2000, 1000, CV_8U);
  cv::randu(large, 0, 255);
  int delivered = 0;
  for (int n = 0; n < 3; ++n) {
    Frame frame;
    frame.id = {"cam", SessionId{1}, n};
    frame.image = large;
    ASSERT_TRUE(frames.write(frame, [&](const Result<void>& done) { delivered += done.ok() ? 1 : 0; }).ok());
  }
  ASSERT_TRUE(frames.write_end(SessionId{1}, 3, SystemTime{}, {}).ok());
  ASSERT_TRUE(frames.flush(20s).ok());
  EXPECT_EQ(delivered, 3);
  auto reader = kafka::KafkaReader::open(config, {.group = group}).value();
  for (int p = 0; p < 3; ++p) {
    const TopicPartition at{topic, PartitionId{p}};
    ASSERT_TRUE(reader->assign(at, Offset{0}).ok());
    SetAssembler assembler({at, "job", {{"cam", 1, true}}, {}}, {});
    std::optional<AcceptedSet> set;
    while (!set) {
      auto record = next(*reader);
      set = assembler.add(record.offset, record.timestamp, record.headers, {record.value, record.owner}).accepted;
    }
    EXPECT_EQ(set->header.id.number, p);
    const auto image = to_frame(set->frames.at(0), {}, 0).value().image;
    EXPECT_EQ(cv::norm(image, large, cv::NORM_INF), 0);
    auto end = next(*reader);
    EXPECT_TRUE(assembler.add(end.offset, end.timestamp, end.headers, {end.value, end.owner}).all_ended);
    reader->unassign(at);
  }
}

}  // namespace
}  // namespace ride::stream
