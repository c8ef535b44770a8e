// What a reader makes of a broker's word that an offset is out of range: librdkafka's own cluster in memory says it
// when asked, also where it is not so, as a leader does that hung and does not know yet that another one leads.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <memory>
#include <vector>

#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::stream {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kTopic = "frames";
constexpr std::int16_t kFetch = 1, kListOffsets = 2;  // requests of Kafka's protocol
const TopicPartition kFirst{kTopic, PartitionId{0}}, kSecond{kTopic, PartitionId{1}};

class FalseRange : public ::testing::Test {
 protected:
  FalseRange()
      : keeper_(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0)),
        cluster_(rd_kafka_mock_cluster_new(keeper_, 1)) {
    rd_kafka_mock_topic_create(cluster_, kTopic, 2, 1);
    config_.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    writer_ = kafka::KafkaWriter::open(config_).value();
    EXPECT_TRUE(writer_->prepare(kTopic).ok());
    reader_ = kafka::KafkaReader::open(config_, {.group = "readers"}).value();
  }
  ~FalseRange() override {
    reader_.reset();
    writer_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(keeper_);
  }
  void send(const TopicPartition& to) {
    auto owner = std::make_shared<std::string>("frame");
    const OutRecord record{"", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
    ASSERT_TRUE(writer_->send(to, record, nullptr).ok());
    ASSERT_TRUE(writer_->flush(10s).ok());
  }
  void refuse(std::int16_t request, std::size_t times, rd_kafka_resp_err_t error) {
    const std::vector<rd_kafka_resp_err_t> errors(times, error);
    rd_kafka_mock_push_request_errors_array(cluster_, request, times, errors.data());
  }
  // The next record's offset, or the error.
  Result<std::int64_t> receive(Clock::duration limit = 20s) {
    for (const auto deadline = Clock::now() + limit; Clock::now() < deadline;) {
      RIDE_ASSIGN(auto record, reader_->poll(20ms));
      if (record) return record->offset.value;
    }
    return Error{ErrorCode::timeout, "nothing came"};
  }

  rd_kafka_t* keeper_;
  rd_kafka_mock_cluster_t* cluster_;
  kafka::ClientConfig config_;
  std::unique_ptr<kafka::KafkaWriter> writer_;
  std::unique_ptr<kafka::KafkaReader> reader_;
};

TEST_F(FalseRange, AnOffsetThatTheLogHasIsReadInTheEndAndNothingIsReadTwice) {
  ASSERT_TRUE(reader_->assign(kFirst, Offset{0}).ok());
  for (std::int64_t next = 0; next < 5; ++next) {
    send(kFirst);
    const auto record = receive();
    ASSERT_TRUE(record.ok()) << record.error().message;
    EXPECT_EQ(*record, next);
    refuse(kFetch, static_cast<std::size_t>(next % 3), RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
  }
}

TEST_F(FalseRange, ALeaderThatDoesNotAnswerIsAskedAgain) {
  ASSERT_TRUE(reader_->assign(kFirst, Offset{0}).ok());
  send(kFirst);
  ASSERT_TRUE(receive().ok());
  refuse(kListOffsets, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  refuse(kFetch, 1, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
  send(kFirst);
  const auto record = receive();
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(*record, 1);
}

TEST_F(FalseRange, AnOffsetAboveTheEndIsAnErrorOnceItHasStoodAndOthersAreReadMeanwhile) {
  send(kFirst);
  ASSERT_TRUE(reader_->assign(kFirst, Offset{99}).ok());
  ASSERT_TRUE(reader_->assign(kSecond, Offset{0}).ok());
  const auto begin = Clock::now();
  for (std::int64_t next = 0; next < 3; ++next) {
    send(kSecond);
    const auto record = receive();
    ASSERT_TRUE(record.ok()) << record.error().message;
    EXPECT_EQ(*record, next);
  }
  const auto refused = receive(60s);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt) << refused.error().message;
  EXPECT_NE(refused.error().message.find("frames/0"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("offsets 0 to 1"), std::string::npos) << refused.error().message;
  EXPECT_GE(Clock::now() - begin, 10s);
  EXPECT_FALSE(reader_->overtaken().has_value());
}

}  // namespace
}  // namespace ride::stream
