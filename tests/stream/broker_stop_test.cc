// Each of three brokers hangs for some seconds and goes on, while records are written and read. What a resumed leader
// says of a log that has gone on without it must not end a reader. RIDE_FAULT_SEED replays a seed.
#include <gtest/gtest.h>
#include <signal.h>

#include <random>
#include <thread>

#include "broker-config/broker_cluster.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_seed.h"

namespace ride::stream {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPartitions = 3;

class Traffic {
 public:
  explicit Traffic(const kafka::ClientConfig& config) : config_(config), admin_(kafka::open_admin(config).value()) {
    EXPECT_TRUE(admin_->create({"frames", kPartitions, 3, {{"min.insync.replicas", "2"}}}).ok());
    writer_ = kafka::KafkaWriter::open(config).value();
    reader_ = kafka::KafkaReader::open(config, {.group = "readers"}).value();
    const auto ready = [&] { return writer_->prepare("frames").ok() && reader_->prepare("frames").ok(); };
    for (const auto end = Clock::now() + 20s; !ready() && Clock::now() < end;) std::this_thread::sleep_for(50ms);
    for (int p = 0; p < kPartitions; ++p) EXPECT_TRUE(reader_->assign({"frames", PartitionId{p}}, Offset{0}).ok());
    thread_ = std::jthread([this](const std::stop_token& stop) { write(stop); });
  }

  // Reads what comes; each partition's records follow one another.
  void read_for(std::chrono::milliseconds time) {
    for (const auto end = Clock::now() + time; Clock::now() < end;) read_one();
  }
  void finish() {
    thread_ = {};
    std::int64_t written = 0;
    for (int p = 0; p < kPartitions; ++p) written += admin_->range({"frames", PartitionId{p}}).value().end.value;
    for (const auto end = Clock::now() + 30s; read_ < written && Clock::now() < end;) read_one();
    EXPECT_EQ(read_, written);
  }
  std::int64_t read() const { return read_; }

 private:
  void write(const std::stop_token& stop) {
    const auto owner = std::make_shared<std::string>(2000, 'x');
    for (int n = 0; !stop.stop_requested(); ++n) {
      const TopicPartition to{"frames", PartitionId{n % kPartitions}};
      const OutRecord record{"", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
      while (!stop.stop_requested()) {
        const auto sent = writer_->send(to, record, nullptr);
        if (sent.ok()) break;
        // librdkafka's producer may break for good at a broker that hung: a process of ours ends then, and another
        // follows.
        if (!sent.error().retriable) writer_ = kafka::KafkaWriter::open(config_).value();
        writer_->serve(10ms);
      }
      writer_->serve(5ms);
    }
    (void)writer_->flush(20s);
  }
  void read_one() {
    const auto record = reader_->poll(20ms);
    if (!record.ok()) {
      EXPECT_TRUE(record.error().retriable) << record.error().message;
      return;
    }
    if (!*record) return;
    EXPECT_EQ((*record)->offset.value, next_[(*record)->at]++) << to_string((*record)->at);
    ++read_;
  }

  const kafka::ClientConfig config_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<kafka::KafkaWriter> writer_;
  std::unique_ptr<kafka::KafkaReader> reader_;
  std::map<TopicPartition, std::int64_t> next_;
  std::int64_t read_ = 0;
  std::jthread thread_;
};

TEST(BrokerStop, ABrokerThatHungAndGoesOnEndsNoReader) {
  const auto seed = test::test_seed("RIDE_FAULT_SEED", 20261129);
  std::mt19937_64 random(seed);
  SCOPED_TRACE("RIDE_FAULT_SEED=" + std::to_string(seed));
  const test::TempFolder folder("stops");
  broker::BrokerCluster cluster;
  const auto started = cluster.start({.folder = folder.path(), .quick_start = true});
  ASSERT_TRUE(started.ok()) << started.error().message;
  kafka::ClientConfig config;
  config.brokers = cluster.bootstrap();
  Traffic traffic(config);
  traffic.read_for(1s);
  for (int id = 1; id <= 3; ++id) {
    ASSERT_TRUE(cluster.wait_until_in_sync(30s).ok());
    ASSERT_EQ(::kill(cluster.pid(id), SIGSTOP), 0);
    traffic.read_for(4000ms + std::chrono::milliseconds(random() % 3000));
    ASSERT_EQ(::kill(cluster.pid(id), SIGCONT), 0);
    traffic.read_for(2s);
  }
  traffic.finish();
  EXPECT_GT(traffic.read(), 100);
}

}  // namespace
}  // namespace ride::stream
