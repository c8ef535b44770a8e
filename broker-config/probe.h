// Asks one broker who is in its cluster, as it has heard, with one Metadata request of Kafka's protocol written by
// hand. rd_kafka_metadata() names no broker to ask, and "does each of them see all others", "is each of them in sync"
// are questions to a given one. Measured with librdkafka 2.0.2 and a limit of a second: where nothing listens it
// returns at the limit, with the same code as for something else than Kafka; a look takes 10 to 36 ms, by hand 4 to 15.
// Plain connections only. Blocks up to the timeout. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::broker {

struct BrokerAddress {
  int id = 0;
  std::string host;
  int port = 0;
};

struct ClusterView {
  std::vector<BrokerAddress> brokers;  // those that take part (not fenced)
  int controller = -1;                 // -1: none
  int out_of_sync = 0;                 // partitions with a replica that is not in sync, of those that were asked for
};

// unavailable (retriable): nothing listens, or no answer in time. corrupt: something else than Kafka listens there.
Result<ClusterView> probe(const std::string& host, int port, std::chrono::milliseconds timeout);

// How many partitions have a replica that is not in sync, as this broker has heard. A broker that comes back takes part
// at once, but holds nobody's promise until it has fetched what it missed: with two of three in sync demanded, losing
// another one before that stops every such partition. Fails as probe() does.
Result<int> partitions_out_of_sync(const std::string& host, int port, std::chrono::milliseconds timeout);

// Without the lengths in front; exposed for tests.
enum class Ask { brokers, partitions };
std::vector<std::uint8_t> metadata_request(Ask ask);
Result<ClusterView> parse_metadata(std::span<const std::uint8_t> answer);

}  // namespace ride::broker
