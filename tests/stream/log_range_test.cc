// Where a log begins and ends, asked of librdkafka's own cluster in memory, whose broker goes away when told to.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <future>
#include <memory>

#include "stream/kafka/admin.h"
#include "stream/kafka/writer.h"

namespace ride::stream {
namespace {

using namespace std::chrono_literals;

const TopicPartition kLog{"frames", PartitionId{0}};

class LogRange : public ::testing::Test {
 protected:
  LogRange()
      : keeper_(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0)),
        cluster_(rd_kafka_mock_cluster_new(keeper_, 1)) {
    rd_kafka_mock_topic_create(cluster_, kLog.topic.c_str(), 1, 1);
    config_.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    admin_ = kafka::open_admin(config_).value();
  }
  ~LogRange() override {
    admin_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(keeper_);
  }

  rd_kafka_t* keeper_;
  rd_kafka_mock_cluster_t* cluster_;
  kafka::ClientConfig config_;
  std::unique_ptr<TopicAdmin> admin_;
};

TEST_F(LogRange, CountsTheRecords) {
  const auto writer = kafka::KafkaWriter::open(config_).value();
  ASSERT_TRUE(writer->prepare(kLog.topic).ok());
  const auto owner = std::make_shared<std::string>("frame");
  const OutRecord record{"", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(writer->send(kLog, record, nullptr).ok());
  ASSERT_TRUE(writer->flush(20s).ok());
  const auto range = admin_->range(kLog);
  ASSERT_TRUE(range.ok()) << range.error().message;
  EXPECT_EQ(range->first, Offset{0});
  EXPECT_EQ(range->end, Offset{3});
}

TEST_F(LogRange, ABrokerThatGoesAwayEndsTheQuestionWithAnErrorThatMayPass) {
  ASSERT_TRUE(admin_->range(kLog).ok());
  rd_kafka_mock_broker_set_rtt(cluster_, 1, 1000);  // the question is on its way when the broker goes
  auto asked = std::async(std::launch::async, [&] { return admin_->range(kLog); });
  ASSERT_EQ(asked.wait_for(300ms), std::future_status::timeout);
  rd_kafka_mock_broker_set_down(cluster_, 1);
  const bool ended = asked.wait_for(40s) == std::future_status::ready;
  EXPECT_TRUE(ended);
  if (!ended) rd_kafka_mock_broker_set_up(cluster_, 1);
  const auto range = asked.get();
  if (!ended) return;
  ASSERT_FALSE(range.ok());
  EXPECT_TRUE(range.error().retriable) << range.error().message;
}

}  // namespace
}  // namespace ride::stream
