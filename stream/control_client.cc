#include "stream/control_client.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <thread>
#include <tuple>

#include "common/log.h"
#include "stream/core/artifact.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::stream {

namespace {

constexpr std::int64_t kControlPrefetch = 8 << 20;
constexpr std::size_t kMostAtOnce = 8 << 20;  // bytes that one poll() returns, and one record more

class KafkaControlReader final : public ControlReader {
 public:
  KafkaControlReader(std::unique_ptr<kafka::KafkaReader> reader, TopicPartition at, Offset next, Offset end)
      : reader_(std::move(reader)), at_(std::move(at)), next_(next), end_(end) {}

  Result<std::vector<Entry>> poll(std::chrono::milliseconds timeout) override {
    std::vector<Entry> entries;
    for (std::size_t bytes = 0;;) {
      auto record = reader_->poll(entries.empty() ? timeout : std::chrono::milliseconds(0));
      if (!record.ok()) {
        if (record.error().retriable) return entries;
        if (entries.empty()) return record.error();
        return entries;  // the error comes again
      }
      if (!*record) return entries;
      const auto& value = (*record)->value;
      next_ = Offset{(*record)->offset.value + 1};
      entries.push_back({(*record)->offset, (*record)->timestamp,
                         std::string(reinterpret_cast<const char*>(value.data()), value.size())});
      bytes += value.size();
      if (entries.size() >= 1000 || bytes >= kMostAtOnce) return entries;
    }
  }
  bool caught_up() const override { return next_ >= end_; }
  Result<Offset> ask_end() override {
    RIDE_ASSIGN(auto ends, reader_->ask_ends({at_}));
    const auto found = ends.find(at_);
    if (found == ends.end())
      return Error{ErrorCode::unavailable, "Kafka does not say where " + at_.topic + " ends", true};
    return found->second;
  }
  Offset next() const override { return next_; }

 private:
  std::unique_ptr<kafka::KafkaReader> reader_;
  TopicPartition at_;
  Offset next_, end_;
};

class KafkaControlWriter final : public ControlWriter {
 public:
  KafkaControlWriter(std::unique_ptr<kafka::KafkaWriter> writer, std::string topic)
      : writer_(std::move(writer)), topic_(std::move(topic)) {}

  Result<Offset> append(const std::string& json, std::chrono::milliseconds timeout) override {
    return append_all({json}, timeout);
  }

  Result<Offset> append_all(const std::vector<std::string>& records, std::chrono::milliseconds timeout) override {
    if (records.empty()) return Error{ErrorCode::invalid_argument, "nothing to append"};
    // Shared with the callbacks: a record that is delivered after we gave up must find its place.
    struct Pending {
      std::size_t left = 0;
      Offset last;
      std::optional<Error> error;
    };
    auto pending = std::make_shared<Pending>();
    pending->left = records.size();
    for (const auto& json : records) {
      auto text = std::make_shared<std::string>(json);
      OutRecord record;
      record.value = {reinterpret_cast<const std::uint8_t*>(text->data()), text->size()};
      record.owner = text;
      auto sent = writer_->send({topic_, PartitionId{0}}, std::move(record), [pending](const Result<Offset>& result) {
        --pending->left;
        if (result.ok())
          pending->last = *result;
        else
          pending->error = result.error();
      });
      if (!sent.ok()) return sent.error();
    }
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (pending->left > 0) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline)
        return Error{ErrorCode::timeout, "Kafka did not acknowledge a record of " + topic_ + " in time", true};
      writer_->serve(
          std::min(std::chrono::milliseconds(100), std::chrono::ceil<std::chrono::milliseconds>(deadline - now)));
    }
    if (pending->error) return *pending->error;
    return pending->last;
  }

  Result<void> settle(std::chrono::milliseconds timeout) override { return writer_->flush(timeout); }

 private:
  std::unique_ptr<kafka::KafkaWriter> writer_;
  std::string topic_;
};

}  // namespace

Result<std::unique_ptr<ControlReader>> open_control_reader(const kafka::ClientConfig& config, const std::string& topic,
                                                           std::optional<std::chrono::milliseconds> tail) {
  RIDE_ASSIGN(auto admin, kafka::open_admin(config));
  const TopicPartition at{topic, PartitionId{0}};
  RIDE_ASSIGN(auto range, admin->range(at));
  auto start = range.first;
  if (tail) {
    RIDE_ASSIGN(auto since, admin->offset_at(at, system_now() - *tail));
    start = std::max(start, since);
  }
  // The group exists for the client's sake only: nothing is ever committed in it.
  auto reader = kafka::KafkaReader::open(config, {.group = "ride-control-reader",
                                                  .prefetch_bytes = kControlPrefetch,
                                                  .fetch_wait = std::chrono::milliseconds(500)});
  if (!reader.ok()) return reader.error();
  RIDE_TRY((*reader)->assign(at, start));
  return std::unique_ptr<ControlReader>(new KafkaControlReader(std::move(reader).value(), at, start, range.end));
}

Result<std::unique_ptr<ControlWriter>> open_control_writer(const kafka::ClientConfig& config,
                                                           const std::string& topic) {
  RIDE_ASSIGN(auto writer, kafka::KafkaWriter::open(config, {.queue_bytes = 64 << 20}));
  RIDE_TRY(writer->prepare(topic));
  return std::unique_ptr<ControlWriter>(new KafkaControlWriter(std::move(writer), topic));
}

namespace {

constexpr auto kBrokersAreBusy = std::chrono::seconds(60);

// Brokers that answered once are there: while one of them is being replaced, or all are busy, they are asked again.
template <class Ask>
auto ask_again(std::chrono::steady_clock::time_point deadline, Ask ask) -> decltype(ask()) {
  for (;;) {
    auto answer = ask();
    if (answer.ok() || !answer.error().retriable || std::chrono::steady_clock::now() >= deadline) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

Result<void> check_artifacts_topic(const kafka::ClientConfig& config, TopicAdmin& admin, const std::string& topic) {
  RIDE_ASSIGN(const auto topics, admin.topics());
  const auto found = std::find_if(topics.begin(), topics.end(), [&](const auto& one) { return one.name == topic; });
  if (found == topics.end())
    return Error{ErrorCode::not_found, fmt::format("there is no topic {}: a master makes it when it starts", topic)};
  RIDE_ASSIGN(const auto settings, kafka::topic_settings(config, topic));
  if (const auto fault = find_topic_fault(topic, found->partitions, settings)) return invalid_argument(*fault);
  return {};
}

Result<void> ensure_control_topics(const kafka::ClientConfig& config, const std::string& prefix) {
  RIDE_ASSIGN(auto admin, kafka::open_admin(config));
  RIDE_ASSIGN(auto brokers, admin->broker_count());
  const auto deadline = std::chrono::steady_clock::now() + kBrokersAreBusy;
  const int replication = std::min(3, brokers);
  std::map<std::string, std::string> common = {{"cleanup.policy", "delete"},
                                               {"min.insync.replicas", replication >= 3 ? "2" : "1"}};
  auto reports = common;
  reports["retention.ms"] = "600000";  // minutes: soft state
  reports["segment.bytes"] = "16777216";
  auto decisions = common;
  decisions["retention.ms"] = "-1";  // truncated behind a snapshot, never by time
  decisions["retention.bytes"] = "-1";
  decisions["segment.bytes"] = "16777216";  // what is deleted leaves the disk by whole segments
  // Kept until they are deleted by key (decision 0044), which few small records do: without these two, the share of
  // what is to be cleaned would never be enough.
  auto artifacts = common;
  artifacts["cleanup.policy"] = "compact";
  artifacts["min.cleanable.dirty.ratio"] = "0.01";
  artifacts["max.compaction.lag.ms"] = "86400000";
  artifacts["segment.bytes"] = "67108864";
  for (const auto& [name, partitions, settings] :
       {std::tuple{prefix + ".reports", 1, reports}, std::tuple{prefix + ".decisions", 1, decisions},
        std::tuple{artifacts_topic(prefix), kArtifactPartitions, artifacts}}) {
    const NewTopic topic{name, partitions, replication, settings};
    auto created = ask_again(deadline, [&] { return admin->create(topic); });
    if (!created.ok() && created.error().code != ErrorCode::already_exists) return created.error();
    // Jobs without files run all the same, and `ride submit` refuses those that have some.
    if (!created.ok() && name == artifacts_topic(prefix))
      if (const auto good = check_artifacts_topic(config, *admin, name); !good.ok())
        log_warning("{}", good.error().message);
  }
  // The first question about a group makes __consumer_offsets (about a second on a fresh cluster): ask now.
  RIDE_ASSIGN(auto commits, kafka::open_commit_store(config));
  auto answer = ask_again(deadline, [&] {
    return commits->committed(prefix + ".warm-up", {{prefix + ".decisions", PartitionId{0}}});
  });
  return answer.ok() ? Result<void>() : answer.error();
}

}  // namespace ride::stream
