#include "stream/kafka/reader.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "common/log.h"
#include "stream/core/fetch_wake.h"
#include "stream/core/lost_offset.h"
#include "stream/kafka/handle.h"
#include "stream/kafka/refusal.h"

namespace ride::kafka {

namespace {

using stream::Commit;
using stream::Record;
using stream::TopicPartition;

constexpr int kCommitTimeoutMs = 5000;
constexpr int kAskTimeoutMs = 2000;
constexpr std::chrono::milliseconds kLostPoll{50};
constexpr int kWakeTimeoutMs = 5;  // the answer is of no interest

stream::Headers headers_of(const rd_kafka_message_t* message) {
  stream::Headers headers;
  rd_kafka_headers_t* list = nullptr;
  if (rd_kafka_message_headers(message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
  headers.reserve(rd_kafka_header_cnt(list));
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    headers.emplace_back(name, value == nullptr ? std::string() : std::string(static_cast<const char*>(value), size));
  return headers;
}

// Keeps the client alive as long as the message: the handle must not be destroyed before.
struct MessageOwner {
  MessageOwner(Client client, rd_kafka_message_t* message) : client(std::move(client)), message(message) {}
  ~MessageOwner() { rd_kafka_message_destroy(message); }
  MessageOwner(const MessageOwner&) = delete;
  MessageOwner& operator=(const MessageOwner&) = delete;
  Client client;
  rd_kafka_message_t* message;
};

// Whoever wrote the record chose the number, in ms: what lies outside of 1970 to 2100 would not fit when counted in µs.
SystemTime time_of(std::int64_t ms) {
  constexpr std::int64_t kLatest = 4'102'444'800'000;
  return SystemTime(std::chrono::milliseconds(std::clamp<std::int64_t>(ms, -1, kLatest)));
}

Record to_record(const Client& client, rd_kafka_message_t* message) {
  Record record;
  record.at = {rd_kafka_topic_name(message->rkt), PartitionId{message->partition}};
  record.offset = Offset{message->offset};
  record.timestamp = time_of(rd_kafka_message_timestamp(message, nullptr));
  if (message->key != nullptr) record.key.assign(static_cast<const char*>(message->key), message->key_len);
  record.headers = headers_of(message);
  record.value = {static_cast<const std::uint8_t*>(message->payload), message->len};
  record.owner = std::make_shared<MessageOwner>(client, message);
  return record;
}

class Reader final : public KafkaReader {
 public:
  Reader(Client client, std::string group, std::int64_t prefetch_bytes)
      : client_(std::move(client)),
        queue_(rd_kafka_queue_get_consumer(client_.get()), rd_kafka_queue_destroy),
        group_(std::move(group)),
        wake_(prefetch_bytes) {}

  Result<void> assign(const TopicPartition& at, Offset start) override {
    lost_.erase(at);
    starts_[at] = start;
    return fetch(at, start);
  }

  void unassign(const TopicPartition& at) override {
    lost_.erase(at);
    starts_.erase(at);
    stop_fetching(at);
  }

  Result<std::optional<Record>> poll(std::chrono::milliseconds timeout) override {
    overtaken_.reset();
    if (!lost_.empty()) {
      RIDE_TRY(judge_lost());
      timeout = std::min(timeout, kLostPoll);
    }
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client_.get(), static_cast<int>(timeout.count()));
    if (message == nullptr) {
      if (auto refusal = refused(client_.get())) return *refusal;
      return std::optional<Record>();
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      auto record = to_record(client_, message);
      const auto queued = queue_ ? static_cast<std::int64_t>(rd_kafka_queue_length(queue_.get())) : 0;
      if (wake_.took(static_cast<std::int64_t>(message->len), queued)) wake_fetching();
      return std::optional(std::move(record));
    }
    const std::unique_ptr<rd_kafka_message_t, void (*)(rd_kafka_message_t*)> kept(message, rd_kafka_message_destroy);
    return handle_error(*message);
  }

  const std::optional<Overtaken>& overtaken() const override { return overtaken_; }

  std::optional<Offset> at_end(const TopicPartition& at) const override {
    const auto found = at_end_.find(at);
    return found == at_end_.end() ? std::nullopt : std::optional(found->second);
  }

  Result<void> prepare(const std::string& topic) override { return learn_topic(client_, topic); }

  std::optional<Offset> end_of(const TopicPartition& at) override {
    std::int64_t low = -1, high = -1;
    if (rd_kafka_get_watermark_offsets(client_.get(), at.topic.c_str(), at.partition.value, &low, &high) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
      return std::nullopt;
    return Offset{high};
  }

  Result<std::map<TopicPartition, Offset>> ask_ends(const std::vector<TopicPartition>& at) override {
    PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(at.size())));
    for (const auto& one : at)
      rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition.value)->offset =
          RD_KAFKA_OFFSET_END;
    const auto code = rd_kafka_offsets_for_times(client_.get(), list.get(), kAskTimeoutMs);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "cannot ask for the ends of the logs", client_.get());
    std::map<TopicPartition, Offset> ends;
    for (int i = 0; i < list->cnt; ++i) {
      const auto& one = list->elems[i];
      if (one.err == RD_KAFKA_RESP_ERR_NO_ERROR && one.offset >= 0)
        ends[{one.topic, PartitionId{one.partition}}] = Offset{one.offset};
    }
    return ends;
  }

  Result<std::map<TopicPartition, std::optional<Commit>>> committed(const std::string& group,
                                                                    const std::vector<TopicPartition>& at) override {
    RIDE_CHECK(group == group_, "a consumer commits to its own group");
    PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(at.size())));
    for (const auto& one : at) rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition.value);
    const auto code = rd_kafka_committed(client_.get(), list.get(), kCommitTimeoutMs);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return unanswered(code, "cannot read the commits of group ");
    std::map<TopicPartition, std::optional<Commit>> commits;
    for (int i = 0; i < list->cnt; ++i) {
      const auto& one = list->elems[i];
      if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(one.err, "cannot read the commits of group " + group, client_.get());
      auto& commit = commits[{one.topic, PartitionId{one.partition}}];
      if (one.offset >= 0)
        commit = Commit{Offset{one.offset}, std::string(static_cast<const char*>(one.metadata),
                                                        one.metadata == nullptr ? 0 : one.metadata_size)};
    }
    return commits;
  }

  Result<void> commit(const std::string& group, const std::map<TopicPartition, Commit>& commits) override {
    RIDE_CHECK(group == group_, "a consumer commits to its own group");
    PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(commits.size())));
    for (const auto& [at, commit] : commits) {
      auto* one = rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition.value);
      one->offset = commit.offset.value;
      if (!commit.metadata.empty()) {
        one->metadata = ::malloc(commit.metadata.size());  // freed by the list
        RIDE_CHECK(one->metadata != nullptr, "out of memory");
        std::copy(commit.metadata.begin(), commit.metadata.end(), static_cast<char*>(one->metadata));
        one->metadata_size = commit.metadata.size();
      }
    }
    auto code = rd_kafka_commit(client_.get(), list.get(), 0);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; ++i) code = list->elems[i].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return unanswered(code, "cannot commit in group ");
    return {};
  }

 private:
  Error unanswered(rd_kafka_resp_err_t code, const std::string& what) const {
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__WAIT_COORD)
      if (auto refusal = group_refused(client_.get(), group_)) return *refusal;
    return to_error(code, what + group_, client_.get());
  }

  Result<void> fetch(const TopicPartition& at, Offset start) {
    PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition.value)->offset = start.value;
    rd_kafka_error_t* error = rd_kafka_incremental_assign(client_.get(), list.get());
    if (error == nullptr) return {};
    const auto code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return to_error(code, "cannot assign " + to_string(at), client_.get());
  }

  void stop_fetching(const TopicPartition& at) {
    at_end_.erase(at);
    PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition.value);
    if (rd_kafka_error_t* error = rd_kafka_incremental_unassign(client_.get(), list.get()))
      rd_kafka_error_destroy(error);  // it was not assigned: nothing to do
  }

  Result<std::optional<Record>> handle_error(const rd_kafka_message_t& message) {
    std::optional<TopicPartition> at;
    if (message.rkt != nullptr) at = {rd_kafka_topic_name(message.rkt), PartitionId{message.partition}};
    if (at && message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end_[*at] = Offset{message.offset};
      return std::optional<Record>();
    }
    std::string where = at ? to_string(*at) : "Kafka";
    if (message.err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) where = "group " + group_;
    auto error = to_error(message.err, where, client_.get());
    const char* text = rd_kafka_message_errstr(&message);
    if (text != nullptr && *text != 0) error.message += std::string(" (") + text + ")";
    if (!at || error.code != ErrorCode::corrupt) return error;
    note_lost(*at, Offset{message.offset}, std::move(error));
    return std::optional<Record>();
  }

  // librdkafka fetches no more of it until it is assigned again. Such an answer may have been on its way before the
  // partition was assigned at where it is read now: that one says nothing.
  void note_lost(const TopicPartition& at, Offset wanted, Error error) {
    const auto start = starts_.find(at);
    if (start == starts_.end() || wanted < start->second) return;
    const auto now = std::chrono::steady_clock::now();
    auto [found, fresh] = lost_.try_emplace(at, Lost{stream::LostOffset(wanted, now), {}});
    if (!fresh) found->second.offset.refused(wanted, now);
    found->second.error = std::move(error);
  }

  // Says what the leaders have confirmed: the first that is overtaken, or beyond its log.
  Result<void> judge_lost() {
    using Finding = stream::LostOffset::Finding;
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(lost_, [&](const auto& entry) { return entry.second.offset.is_old(now); });
    for (auto& [at, lost] : lost_) {
      if (!lost.offset.is_due(now)) continue;
      const auto range = ask_range(at);
      const auto verdict = lost.offset.judge(range, std::chrono::steady_clock::now());
      if (verdict == Finding::ask_again) continue;
      log_debug("{}: offset {} was refused ({}); its leader's log: {} to {}", to_string(at), lost.offset.wanted().value,
                lost.error.message, range->first.value, range->end.value);
      if (verdict == Finding::read_again) {
        stop_fetching(at);
        RIDE_TRY(fetch(at, lost.offset.wanted()));
        continue;
      }
      if (verdict == Finding::expired) overtaken_ = Overtaken{at, range->first};
      auto error = std::move(lost.error);
      error.message += fmt::format("; its log has the offsets {} to {}", range->first.value, range->end.value);
      lost_.erase(at);
      return error;
    }
    return {};
  }

  std::optional<stream::OffsetRange> ask_range(const TopicPartition& at) {
    std::int64_t low = 0, high = 0;
    const auto code = rd_kafka_query_watermark_offsets(client_.get(), at.topic.c_str(), at.partition.value, &low, &high,
                                                       kAskTimeoutMs);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return stream::OffsetRange{Offset{low}, Offset{high}};
    log_debug("{}: its leader did not report where its log begins and ends: {}", to_string(at), rd_kafka_err2str(code));
    return std::nullopt;
  }

  // A question to the leaders of all partitions goes through the connections that fetch; what is answered does not
  // matter.
  void wake_fetching() {
    PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(starts_.size())));
    for (const auto& [at, start] : starts_)
      rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition.value)->offset = RD_KAFKA_OFFSET_END;
    if (list->cnt > 0) rd_kafka_offsets_for_times(client_.get(), list.get(), kWakeTimeoutMs);
  }

  struct Lost {
    stream::LostOffset offset;
    Error error;
  };

  Client client_;
  const std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue_;  // gone before the client
  std::string group_;
  // Reading thread.
  stream::FetchWake wake_;
  std::map<TopicPartition, Offset> at_end_;
  std::map<TopicPartition, Offset> starts_;  // of the assigned ones
  std::map<TopicPartition, Lost> lost_;      // whose offset a broker refused
  std::optional<Overtaken> overtaken_;
};

// One small consumer per group, made when first asked for.
class GroupCommits final : public stream::CommitStore {
 public:
  explicit GroupCommits(ClientConfig config) : config_(std::move(config)) {}

  Result<std::map<TopicPartition, std::optional<Commit>>> committed(const std::string& group,
                                                                    const std::vector<TopicPartition>& at) override {
    RIDE_ASSIGN(auto store, of(group));
    return store->committed(group, at);
  }
  Result<void> commit(const std::string& group, const std::map<TopicPartition, Commit>& commits) override {
    RIDE_ASSIGN(auto store, of(group));
    return store->commit(group, commits);
  }

 private:
  Result<std::shared_ptr<KafkaReader>> of(const std::string& group) {
    const std::lock_guard lock(mutex_);
    if (auto found = readers_.find(group); found != readers_.end()) return found->second;
    // Bounded: a master looks at all groups every few seconds, but jobs come and go.
    if (readers_.size() >= 64) readers_.erase(readers_.begin());
    RIDE_ASSIGN(auto reader, KafkaReader::open(config_, {.group = group, .prefetch_bytes = 1 << 20}));
    return readers_[group] = std::move(reader);
  }

  ClientConfig config_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<KafkaReader>> readers_;
};

}  // namespace

Result<std::unique_ptr<KafkaReader>> KafkaReader::open(const ClientConfig& config, const ReaderOptions& options) {
  auto settings = consumer_settings(config.max_message_bytes, std::max<std::int64_t>(options.prefetch_bytes / 1024, 1));
  settings.emplace_back("group.id", options.group);
  if (options.reports_ends) settings.emplace_back("enable.partition.eof", "true");  // the last setting counts
  settings.emplace_back("fetch.wait.max.ms", std::to_string(options.fetch_wait.count()));
  RIDE_ASSIGN(auto conf, make_conf(config, settings));
  RIDE_ASSIGN(auto client, make_client(RD_KAFKA_CONSUMER, std::move(conf)));
  return std::unique_ptr<KafkaReader>(new Reader(std::move(client), options.group, options.prefetch_bytes));
}

Result<std::unique_ptr<stream::CommitStore>> open_commit_store(const ClientConfig& config) {
  return std::unique_ptr<stream::CommitStore>(new GroupCommits(config));
}

}  // namespace ride::kafka
