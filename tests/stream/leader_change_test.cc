// How soon the Kafka adapters notice that another broker leads: librdkafka's own cluster in memory, whose brokers go
// away and whose leaders move when asked.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::stream {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kTopic = "frames";
const TopicPartition kAt{kTopic, PartitionId{0}};

class LeaderChange : public ::testing::Test {
 protected:
  LeaderChange()
      : keeper_(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0)),
        cluster_(rd_kafka_mock_cluster_new(keeper_, 3)) {
    rd_kafka_mock_topic_create(cluster_, kTopic, 1, 3);
    rd_kafka_mock_partition_set_leader(cluster_, kTopic, 0, 1);
    config_.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
  }
  ~LeaderChange() override {
    reader_.reset();
    writer_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(keeper_);
  }
  void send() {
    auto owner = std::make_shared<std::string>("frame");
    const OutRecord record{"", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
    ASSERT_TRUE(writer_->send(kAt, record, nullptr).ok());
  }
  bool receive() {
    for (const auto deadline = Clock::now() + 20s; Clock::now() < deadline;) {
      writer_->serve(0ms);
      const auto record = reader_->poll(5ms);
      if (record.ok() && *record) return true;
    }
    return false;
  }

  rd_kafka_t* keeper_;
  rd_kafka_mock_cluster_t* cluster_;
  kafka::ClientConfig config_;
  std::unique_ptr<kafka::KafkaWriter> writer_;
  std::unique_ptr<kafka::KafkaReader> reader_;
};

TEST_F(LeaderChange, FramesFlowAgainSoonAfterAnotherBrokerLeads) {
  writer_ = kafka::KafkaWriter::open(config_).value();
  ASSERT_TRUE(writer_->prepare(kTopic).ok());
  reader_ = kafka::KafkaReader::open(config_, {.group = "readers"}).value();
  ASSERT_TRUE(reader_->assign(kAt, Offset{0}).ok());
  send();
  ASSERT_TRUE(receive());

  std::vector<Clock::duration> waits;
  for (int round = 0; round < 7; ++round) {
    const int dead = 1 + round % 3, next = 1 + (round + 1) % 3;
    rd_kafka_mock_broker_set_down(cluster_, dead);
    // What a cluster takes to elect; another phase of the client's own clocks each time. Meanwhile both notice.
    for (const auto elected = Clock::now() + 700ms + round * 130ms; Clock::now() < elected;) {
      writer_->serve(0ms);
      const auto none = reader_->poll(5ms);
      EXPECT_FALSE(none.ok() && *none);
    }
    rd_kafka_mock_partition_set_leader(cluster_, kTopic, 0, next);
    const auto led = Clock::now();
    send();
    ASSERT_TRUE(receive());
    waits.push_back(Clock::now() - led);
    rd_kafka_mock_broker_set_up(cluster_, dead);
  }
  std::sort(waits.begin(), waits.end());
  EXPECT_LT(waits[waits.size() / 2], 400ms) << "at worst " << waits.back() / 1ms << " ms";
}

}  // namespace
}  // namespace ride::stream
