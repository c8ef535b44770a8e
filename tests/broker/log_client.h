// The least of a Kafka client that the broker's tests need: straight on librdkafka, so that they do not hang on our own
// adapter. Threads: one. Failure: an exception, which fails the test.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace ride::test {

using KafkaSettings = std::map<std::string, std::string>;

void create_topic(const std::string& brokers, const std::string& topic, int partitions, int replicas,
                  const KafkaSettings& settings = {});

// As the cluster says to a client that would not mind if it were created.
bool topic_exists(const std::string& brokers, const std::string& topic);

// Sends to partition 0 and waits until all are acknowledged by all in-sync replicas. The error of the first refused
// one, or "".
std::string produce(const std::string& brokers, const std::string& topic, const std::vector<std::string>& values,
                    std::chrono::seconds timeout = std::chrono::seconds(120), const KafkaSettings& settings = {});

// All values of partition 0, from the first to the end that stands when it is called.
std::vector<std::string> consume(const std::string& brokers, const std::string& topic,
                                 const KafkaSettings& settings = {});

// Does librdkafka take these settings for a client? Its complaint, or "".
std::string complaint_about(const KafkaSettings& settings);

}  // namespace ride::test
