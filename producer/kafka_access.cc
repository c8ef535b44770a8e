#include "producer/kafka_access.h"

#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::producer {
namespace {

// Sources read little: the ends of their outputs, a manifest, a topic that is replayed.
constexpr std::int64_t kPrefetchBytes = 32LL << 20;

class KafkaAccess : public LogAccess {
 public:
  explicit KafkaAccess(kafka::ClientConfig config) : config_(std::move(config)) {}

  Result<OpenedWriter> writer(const std::vector<std::string>& topics, std::int64_t queue_bytes) override {
    auto opened = kafka::KafkaWriter::open(config_, {.queue_bytes = queue_bytes});
    if (!opened) return opened.error();
    std::unique_ptr<kafka::KafkaWriter> writer = std::move(*opened);
    for (const std::string& topic : topics) {
      if (auto ready = writer->prepare(topic); !ready) {
        return Error{ready.error().code, ready.error().message, /*retriable=*/true};  // the master has just made it
      }
    }
    kafka::KafkaWriter* raw = writer.get();
    return OpenedWriter{std::move(writer), [raw] { return raw->failed().has_value(); }};
  }

  Result<std::unique_ptr<stream::RecordReader>> reader() override {
    auto opened = kafka::KafkaReader::open(config_, {.group = "ride-producer-reads", .prefetch_bytes = kPrefetchBytes});
    if (!opened) return opened.error();
    return std::unique_ptr<stream::RecordReader>(std::move(*opened));
  }

  Result<std::unique_ptr<stream::CommitStore>> commits() override { return kafka::open_commit_store(config_); }

  Result<std::unique_ptr<stream::TopicAdmin>> admin() override { return kafka::open_admin(config_); }

 private:
  kafka::ClientConfig config_;
};

}  // namespace

std::unique_ptr<LogAccess> make_kafka_access(kafka::ClientConfig config) {
  return std::make_unique<KafkaAccess>(std::move(config));
}

}  // namespace ride::producer
