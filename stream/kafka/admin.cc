#include "stream/kafka/admin.h"

#include <array>

#include "stream/kafka/handle.h"
#include "stream/kafka/refusal.h"

namespace ride::kafka {

namespace {

using stream::NewTopic;
using stream::OffsetRange;
using stream::TopicInfo;
using stream::TopicPartition;

constexpr int kTimeoutMs = 10'000;

struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
struct OptionsDeleter {
  void operator()(rd_kafka_AdminOptions_t* options) const { rd_kafka_AdminOptions_destroy(options); }
};
struct NewTopicDeleter {
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
};
struct ResourceDeleter {
  void operator()(rd_kafka_ConfigResource_t* resource) const { rd_kafka_ConfigResource_destroy(resource); }
};
using Queue = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;
using Options = std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter>;

bool knows_another_topic(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
}

class Admin final : public stream::TopicAdmin {
 public:
  explicit Admin(Client client) : client_(std::move(client)) {}

  Result<std::vector<TopicInfo>> topics() override {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto code = rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, kTimeoutMs);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "cannot list the topics", client_.get());
    std::vector<TopicInfo> topics;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
      const auto& topic = metadata->topics[i];
      if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      topics.push_back(
          {topic.topic, topic.partition_cnt, topic.partition_cnt > 0 ? topic.partitions[0].replica_cnt : 0});
    }
    rd_kafka_metadata_destroy(metadata);
    return topics;
  }

  Result<int> broker_count() override {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto code = rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, kTimeoutMs);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "cannot ask for the brokers", client_.get());
    const int count = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
  }

  Result<void> create(const NewTopic& topic) override {
    std::array<char, 512> why{};
    std::unique_ptr<rd_kafka_NewTopic_t, NewTopicDeleter> request(
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, topic.replication, why.data(), why.size()));
    if (!request) return Error{ErrorCode::invalid_argument, "topic " + topic.name + ": " + why.data()};
    auto config = topic.config;
    config.emplace("message.timestamp.type", "LogAppendTime");
    for (const auto& [name, value] : config) rd_kafka_NewTopic_set_config(request.get(), name.c_str(), value.c_str());
    auto* raw = request.get();
    auto event =
        ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
          rd_kafka_CreateTopics(client_.get(), &raw, 1, options, queue);
        });
    if (!event.ok()) return event.error();
    std::size_t count = 0;
    const auto** results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
    return of_topics(results, count, "cannot create topic ");
  }

  Result<void> remove(const std::string& topic) override {
    rd_kafka_DeleteTopic_t* raw = rd_kafka_DeleteTopic_new(topic.c_str());
    auto event =
        ask(RD_KAFKA_ADMIN_OP_DELETETOPICS, [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
          rd_kafka_DeleteTopics(client_.get(), &raw, 1, options, queue);
        });
    rd_kafka_DeleteTopic_destroy(raw);
    if (!event.ok()) return event.error();
    std::size_t count = 0;
    const auto** results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
    return of_topics(results, count, "cannot delete topic ");
  }

  Result<OffsetRange> range(const TopicPartition& at) override {
    auto first = offset_for(at, RD_KAFKA_OFFSET_BEGINNING);
    // The client answers from what it learned of the topic while it was being made, and would go on doing so for
    // minutes.
    if (knows_another_topic(first.code)) {
      const auto learned = learn_topic(client_, at.topic);
      if (learned.ok()) first = offset_for(at, RD_KAFKA_OFFSET_BEGINNING);
      if (!learned.ok() && learned.error().code == ErrorCode::permission) return learned.error();
    }
    const auto last = first.code == RD_KAFKA_RESP_ERR_NO_ERROR ? offset_for(at, RD_KAFKA_OFFSET_END) : first;
    if (last.code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(last.code, "cannot ask for the offsets of " + to_string(at), client_.get());
    return OffsetRange{Offset{first.offset}, Offset{last.offset}};
  }

  Result<Offset> offset_at(const TopicPartition& at, SystemTime since) override {
    const auto found =
        offset_for(at, std::chrono::duration_cast<std::chrono::milliseconds>(since.time_since_epoch()).count());
    if (found.code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(found.code, "cannot ask for the offsets of " + to_string(at), client_.get());
    if (found.offset >= 0) return Offset{found.offset};
    RIDE_ASSIGN(auto whole, range(at));
    return whole.end;
  }

  Result<void> delete_before(const TopicPartition& at, Offset offset) override {
    PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition.value)->offset = offset.value;
    rd_kafka_DeleteRecords_t* raw = rd_kafka_DeleteRecords_new(list.get());
    auto event =
        ask(RD_KAFKA_ADMIN_OP_DELETERECORDS, [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
          rd_kafka_DeleteRecords(client_.get(), &raw, 1, options, queue);
        });
    rd_kafka_DeleteRecords_destroy(raw);
    if (!event.ok()) return event.error();
    const auto* offsets = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get()));
    for (int i = 0; i < offsets->cnt; ++i)
      if (offsets->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(offsets->elems[i].err, "cannot delete records of " + to_string(at), client_.get());
    return {};
  }

  Result<std::map<std::string, std::string>> settings(const std::string& topic) {
    std::unique_ptr<rd_kafka_ConfigResource_t, ResourceDeleter> asked(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    auto* raw = asked.get();
    auto event =
        ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
          rd_kafka_DescribeConfigs(client_.get(), &raw, 1, options, queue);
        });
    if (!event.ok()) return event.error();
    std::size_t count = 0;
    const auto** resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
    std::map<std::string, std::string> settings;
    for (std::size_t i = 0; i < count; ++i) {
      if (const auto code = rd_kafka_ConfigResource_error(resources[i]); code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(code, "cannot see the settings of topic " + topic, client_.get());
      std::size_t entries = 0;
      const auto** list = rd_kafka_ConfigResource_configs(resources[i], &entries);
      for (std::size_t j = 0; j < entries; ++j)
        if (const char* value = rd_kafka_ConfigEntry_value(list[j]); value != nullptr)
          settings[rd_kafka_ConfigEntry_name(list[j])] = value;
    }
    return settings;
  }

 private:
  struct Found {
    rd_kafka_resp_err_t code;
    std::int64_t offset;
  };

  // The offset of the first record since a time in ms, or with RD_KAFKA_OFFSET_BEGINNING and _END where the log begins
  // and ends. Not by rd_kafka_query_watermark_offsets, which waits without limit for a broker that goes away meanwhile
  // (librdkafka 2.0.2).
  Found offset_for(const TopicPartition& at, std::int64_t which) {
    PartitionList list(rd_kafka_topic_partition_list_new(1));
    auto* one = rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition.value);
    one->offset = which;
    const auto code = rd_kafka_offsets_for_times(client_.get(), list.get(), kTimeoutMs);
    return {code == RD_KAFKA_RESP_ERR_NO_ERROR ? one->err : code, one->offset};
  }

  template <class Call>
  Result<Event> ask(rd_kafka_admin_op_t operation, Call call) {
    Options options(rd_kafka_AdminOptions_new(client_.get(), operation));
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kTimeoutMs, why.data(), why.size());
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), kTimeoutMs, why.data(), why.size());
    Queue queue(rd_kafka_queue_new(client_.get()));
    call(options.get(), queue.get());
    Event event(rd_kafka_queue_poll(queue.get(), kTimeoutMs + 2000));
    if (!event) return Error{ErrorCode::timeout, "the cluster's admin API did not answer", true};
    if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(code, std::string("the admin request failed (") + rd_kafka_event_error_string(event.get()) + ")",
                      client_.get());
    return event;
  }

  Result<void> of_topics(const rd_kafka_topic_result_t** results, std::size_t count, const std::string& what) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto code = rd_kafka_topic_result_error(results[i]);
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      auto error = to_error(code, what + rd_kafka_topic_result_name(results[i]), client_.get());
      if (const char* text = rd_kafka_topic_result_error_string(results[i]); text != nullptr)
        error.message += std::string(" (") + text + ")";
      return error;
    }
    return {};
  }

  Client client_;
};

}  // namespace

Result<std::map<std::string, std::string>> topic_settings(const ClientConfig& config, const std::string& topic) {
  RIDE_ASSIGN(auto conf, make_conf(config, {}));
  RIDE_ASSIGN(auto client, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  RIDE_TRY(reach(client, config.brokers, std::chrono::milliseconds(kTimeoutMs)));
  return Admin(std::move(client)).settings(topic);
}

Result<std::unique_ptr<stream::TopicAdmin>> open_admin(const ClientConfig& config, std::chrono::milliseconds timeout) {
  RIDE_ASSIGN(auto conf, make_conf(config, {}));
  RIDE_ASSIGN(auto client, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  RIDE_TRY(reach(client, config.brokers, timeout));
  return std::unique_ptr<stream::TopicAdmin>(new Admin(std::move(client)));
}

}  // namespace ride::kafka
