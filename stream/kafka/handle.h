// RAII around librdkafka's handles. Internal to stream/kafka. A client handle is shared by everything that must not
// outlive it (messages, topic handles, queues): rd_kafka_destroy would hang for ever otherwise.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "stream/kafka/client_config.h"

namespace ride::kafka {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

// The configuration that all clients share, then `settings`, then what the user passes through.
Result<Conf> make_conf(const ClientConfig& config, const Settings& settings);

using Client = std::shared_ptr<rd_kafka_t>;
// Takes the conf. On destruction a producer throws away what is still queued (flush first).
Result<Client> make_client(rd_kafka_type_t type, Conf conf);

// With the client, what is refused says to whom.
Error to_error(rd_kafka_resp_err_t code, const std::string& what, rd_kafka_t* client = nullptr);
// "user 'ride-worker'", for messages.
std::string user_of(rd_kafka_t* client);
bool is_retriable(rd_kafka_resp_err_t code);

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

// Asks for the topic's leaders, so that the client has them when they are needed.
Result<void> learn_topic(const Client& client, const std::string& topic);

// The settings of a reading and of a writing client, with reasons in the source.
Settings consumer_settings(std::int64_t max_message_bytes, std::int64_t prefetch_kbytes);
Settings producer_settings(std::int64_t max_message_bytes, std::int64_t queue_kbytes);

}  // namespace ride::kafka
