#include "stream/kafka/writer.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "stream/core/first_record.h"
#include "stream/kafka/handle.h"
#include "stream/kafka/leader_hunt.h"
#include "stream/kafka/refusal.h"

namespace ride::kafka {

namespace {

using stream::OutRecord;
using stream::TopicPartition;

struct TopicDeleter {
  Client client;
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};

// Kafka knows a record without a value beside one whose value is empty; to readers of events the former has no data to
// read (CloudEvents' own ones fail), and in a compacted topic it is a deletion: only who means that writes one.
void* value_of(const OutRecord& record) {
  if (record.deletes) return nullptr;
  static constexpr std::uint8_t kEmpty = 0;
  return const_cast<std::uint8_t*>(record.value.data() == nullptr ? &kEmpty : record.value.data());
}

constexpr auto kFirstRecord = std::chrono::seconds(5);

// Travels with a record as its opaque until the delivery report.
struct InFlight {
  std::shared_ptr<const void> owner;
  stream::RecordWriter::Delivered done;
  std::int64_t bytes = 0;
  stream::FirstRecord* line = nullptr;
};

class Writer final : public KafkaWriter {
 public:
  explicit Writer(WriterOptions options) : options_(options) {}

  ~Writer() override {
    topics_.clear();
    client_.reset();
  }

  Result<void> open(const ClientConfig& config) {
    RIDE_ASSIGN(auto conf,
                make_conf(config, producer_settings(config.max_message_bytes,
                                                    std::min<std::int64_t>(2 * options_.queue_bytes / 1024, 2097151))));
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    RIDE_ASSIGN(auto client, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
    client_ = std::move(client);
    return {};
  }

  Result<void> prepare(const std::string& topic) override {
    RIDE_TRY(topic_handle(topic));
    auto learned = learn_topic(client_, topic);
    if (learned.ok()) learned_.insert(topic);
    return learned;
  }

  Result<void> send(const TopicPartition& to, OutRecord record, Delivered done) override {
    if (auto error = failed()) return *error;
    const auto bytes = static_cast<std::int64_t>(record.value.size());
    if (bytes_in_flight_ > 0 && bytes_in_flight_ + bytes > options_.queue_bytes)
      return Error{ErrorCode::resource_exhausted, "the producer's queue is full", true};
    auto topic = topic_handle(to.topic);
    if (!topic.ok()) return fail(topic.error());
    // librdkafka 2.0.2 parks records of a topic that it does not know yet, and lets later ones overtake them when it
    // does: out of order, so lost to readers. Nothing is handed over before the leaders are known.
    if (!learned_.contains(to.topic)) {
      if (auto learned = prepare(to.topic); !learned.ok()) {
        if (!learned.error().retriable) return fail(learned.error());
        return Error{ErrorCode::resource_exhausted, learned.error().message, true};
      }
    }
    // Until the leader has taken one record of a producer it knows no sequence of it and takes any: if it refuses the
    // first (a topic just made, a leader just elected) and takes the second, the first is lost without an error. So the
    // first one goes alone (decision 0006).
    auto& line = lines_[to];
    for (const auto deadline = std::chrono::steady_clock::now() + kFirstRecord; line.must_wait();) {
      if (std::chrono::steady_clock::now() >= deadline)
        return Error{ErrorCode::resource_exhausted, "the first record is still on its way", true};
      serve(std::chrono::milliseconds(20));
      if (auto error = failed()) return *error;
    }
    rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
    for (const auto& [name, value] : record.headers)
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    auto flight = std::make_unique<InFlight>(InFlight{std::move(record.owner), std::move(done), bytes, &line});
    // By reference (no F_COPY): payloads above 64 KB go from the picture to the socket without a copy.
    const auto code = rd_kafka_producev(client_.get(), RD_KAFKA_V_RKT(*topic), RD_KAFKA_V_PARTITION(to.partition.value),
                                        RD_KAFKA_V_MSGFLAGS(0), RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
                                        RD_KAFKA_V_VALUE(value_of(record), record.value.size()),
                                        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(flight.get()), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      bytes_in_flight_ += bytes;
      ++records_in_flight_;
      line.sent();
      static_cast<void>(flight.release());
      return {};
    }
    rd_kafka_headers_destroy(headers);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return Error{ErrorCode::resource_exhausted, "the producer's queue is full", true};
    if (auto why = fatal_reason(client_.get())) return fail(*std::move(why));  // its callback is yet to come
    return fail(to_error(code, "cannot produce to " + to_string(to), client_.get()));
  }

  void serve(std::chrono::milliseconds timeout) override {
    rd_kafka_poll(client_.get(), static_cast<int>(timeout.count()));
  }

  Result<void> flush(std::chrono::milliseconds timeout) override {
    const auto code = rd_kafka_flush(client_.get(), static_cast<int>(timeout.count()));
    if (auto error = failed()) return *error;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(code, "not all records were delivered in time", client_.get());
    return {};
  }

  std::optional<Error> failed() const override {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  std::int64_t bytes_in_flight() const override { return bytes_in_flight_; }

 private:
  Result<rd_kafka_topic_t*> topic_handle(const std::string& topic) {
    auto& slot = topics_[topic];
    if (!slot) {
      slot = std::unique_ptr<rd_kafka_topic_t, TopicDeleter>(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr),
                                                             TopicDeleter{client_});
      if (!slot) return to_error(rd_kafka_last_error(), "topic " + topic, client_.get());
    }
    return slot.get();
  }

  Error fail(Error error) {
    error.retriable = false;
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = error;
    return *failure_;
  }

  static void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<Writer*>(opaque);
    run_guarded(
        "a delivery", [&] { self->delivered(client, message); }, [self](const Error& error) { self->fail(error); });
  }

  void delivered(rd_kafka_t* client, const rd_kafka_message_t* message) {
    const std::unique_ptr<InFlight> flight(static_cast<InFlight*>(message->_private));
    bytes_in_flight_ -= flight->bytes;
    --records_in_flight_;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      flight->line->delivered();
      if (flight->done) flight->done(Offset{message->offset});
      return;
    }
    auto error = to_error(message->err,
                          "a record for " + std::string(rd_kafka_topic_name(message->rkt)) + "/" +
                              std::to_string(message->partition) + " was not delivered",
                          client);
    if (auto why = fatal_reason(client))
      error = fail(*std::move(why));
    else if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
      error = fail(error);
    if (flight->done) flight->done(error);
  }

  static void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque) {
    auto* self = static_cast<Writer*>(opaque);
    run_guarded(
        "a connection's error",
        [&] {
          note_connection_error(client, static_cast<rd_kafka_resp_err_t>(code), reason);
          hunt_for_leaders(client, static_cast<rd_kafka_resp_err_t>(code));
        },
        [](const Error& error) { log_warning("{}", error.message); });
    if (static_cast<rd_kafka_resp_err_t>(code) != RD_KAFKA_RESP_ERR__FATAL) return;  // passes by itself
    if (auto why = self->fatal_reason(client)) self->fail(*std::move(why));
  }

  // Nothing: the client goes on.
  std::optional<Error> fatal_reason(rd_kafka_t* client) {
    char text[512] = {};
    const auto fatal = rd_kafka_fatal_error(client, text, sizeof text);
    return fatal == RD_KAFKA_RESP_ERR_NO_ERROR ? std::nullopt : std::optional(explain_fatal(client, fatal, text));
  }

  // A gapless producer that may not write a topic fails for the gap; why there is one, only its message says:
  // "ProduceRequest for ride.decisions [0] with 1 message(s) failed: Broker: Topic authorization failed (...)".
  Error explain_fatal(rd_kafka_t* client, rd_kafka_resp_err_t code, const std::string& text) {
    constexpr auto kDenied = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    const auto found = text.find(std::string(" failed: ") + rd_kafka_err2str(kDenied));
    if (found != std::string::npos) return to_error(kDenied, text.substr(0, found), client);
    if (code ==
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {  // gets no producer id, which any right to write would give
      std::string names;
      for (const auto& [name, handle] : topics_) names += (names.empty() ? "" : ", ") + name;
      return to_error(code, "cannot write to " + names + " (nor to any other topic)", client);
    }
    return to_error(code, "the Kafka producer failed: " + text, client);
  }

  WriterOptions options_;
  Client client_;
  std::map<std::string, std::unique_ptr<rd_kafka_topic_t, TopicDeleter>> topics_;
  std::map<TopicPartition, stream::FirstRecord> lines_;
  std::set<std::string> learned_;  // topics whose leaders are known
  std::int64_t bytes_in_flight_ = 0, records_in_flight_ = 0;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::unique_ptr<KafkaWriter>> KafkaWriter::open(const ClientConfig& config, const WriterOptions& options) {
  auto writer = std::make_unique<Writer>(options);
  RIDE_TRY(writer->open(config));
  return std::unique_ptr<KafkaWriter>(std::move(writer));
}

}  // namespace ride::kafka
