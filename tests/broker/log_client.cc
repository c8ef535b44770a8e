#include "tests/broker/log_client.h"

#include <librdkafka/rdkafka.h>

#include <cstring>
#include <memory>
#include <stdexcept>

#include "broker-config/limits.h"

namespace ride::test {
namespace {

using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Queue = std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)>;
constexpr int kTimeoutMs = 30'000;

Client make_client(rd_kafka_type_t type, KafkaSettings settings) {
  for (const auto& [name, value] : broker::client_limits(broker::kDefaultMaxMessageBytes))
    settings.emplace(name, value);
  char text[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      throw std::runtime_error(text);
    }
  }
  rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    auto* first_error = static_cast<std::string*>(message->_private);
    if (message->err && first_error->empty()) *first_error = rd_kafka_err2str(message->err);
  });
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_t* client = rd_kafka_new(type, conf, text, sizeof text);
  if (!client) {
    rd_kafka_conf_destroy(conf);
    throw std::runtime_error(text);
  }
  return {client, rd_kafka_destroy};
}

void check(rd_kafka_resp_err_t error, const char* what) {
  if (error) throw std::runtime_error(std::string(what) + ": " + rd_kafka_err2str(error));
}

}  // namespace

void create_topic(const std::string& brokers, const std::string& topic, int partitions, int replicas,
                  const KafkaSettings& settings) {
  const Client client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}});
  const Queue queue(rd_kafka_queue_new(client.get()), rd_kafka_queue_destroy);
  char text[512];
  rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(topic.c_str(), partitions, replicas, text, sizeof text);
  for (const auto& [name, value] : settings) rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str());
  rd_kafka_CreateTopics(client.get(), &wanted, 1, nullptr, queue.get());
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue.get(), kTimeoutMs);
  rd_kafka_NewTopic_destroy(wanted);
  if (!event) throw std::runtime_error("no answer to CreateTopics");
  std::string error = rd_kafka_event_error(event) ? rd_kafka_event_error_string(event) : "";
  std::size_t count = 0;
  if (const auto* result = rd_kafka_event_CreateTopics_result(event)) {
    const auto** topics = rd_kafka_CreateTopics_result_topics(result, &count);
    if (count == 1 && rd_kafka_topic_result_error(topics[0])) error = rd_kafka_topic_result_error_string(topics[0]);
  }
  rd_kafka_event_destroy(event);
  if (!error.empty()) throw std::runtime_error("CreateTopics: " + error);
}

bool topic_exists(const std::string& brokers, const std::string& topic) {
  const Client client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}});
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client.get(), topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(client.get(), 0, handle, &metadata, kTimeoutMs);
  const bool exists = !error && metadata->topic_cnt == 1 && !metadata->topics[0].err;
  if (metadata) rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  check(error, "metadata");
  return exists;
}

std::string produce(const std::string& brokers, const std::string& topic, const std::vector<std::string>& values,
                    std::chrono::seconds timeout, const KafkaSettings& settings) {
  KafkaSettings all = settings;
  all.insert({{"bootstrap.servers", brokers},
              {"acks", "all"},
              {"enable.idempotence", "true"},
              {"topic.metadata.refresh.fast.interval.ms", "20"},
              {"reconnect.backoff.max.ms", "200"},
              {"message.timeout.ms", std::to_string(timeout.count() * 1000)}});
  const Client client = make_client(RD_KAFKA_PRODUCER, all);
  std::string first_error;
  for (const std::string& value : values) {
    const auto error =
        rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&first_error), RD_KAFKA_V_END);
    if (error && first_error.empty()) first_error = rd_kafka_err2str(error);
  }
  if (rd_kafka_flush(client.get(), static_cast<int>(timeout.count()) * 1000 + 5000) && first_error.empty())
    first_error = "not flushed";
  return first_error;
}

std::vector<std::string> consume(const std::string& brokers, const std::string& topic, const KafkaSettings& settings) {
  KafkaSettings all = settings;
  all.insert({{"bootstrap.servers", brokers},
              {"group.id", "broker-test"},
              {"enable.auto.commit", "false"},
              {"fetch.wait.max.ms", "10"}});
  const Client client = make_client(RD_KAFKA_CONSUMER, all);
  std::int64_t low = 0, high = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
  rd_kafka_resp_err_t known = RD_KAFKA_RESP_ERR_UNKNOWN;
  do {  // right after a start a partition may still elect its leader
    known = rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), 0, &low, &high, 1000);
  } while (known && std::chrono::steady_clock::now() < deadline);
  check(known, "watermarks");
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = low;
  const auto assigned = rd_kafka_assign(client.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  check(assigned, "assign");
  std::vector<std::string> values;
  while (static_cast<std::int64_t>(values.size()) < high - low && std::chrono::steady_clock::now() < deadline) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 100);
    if (!message) continue;
    if (!message->err) values.emplace_back(static_cast<const char*>(message->payload), message->len);
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(client.get());
  return values;
}

std::string complaint_about(const KafkaSettings& settings) {
  try {
    KafkaSettings all = settings;
    make_client(RD_KAFKA_PRODUCER, all);
    make_client(RD_KAFKA_CONSUMER, all);
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace ride::test
