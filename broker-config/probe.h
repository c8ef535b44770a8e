// Asks a broker who is in its cluster, with one Metadata request of Kafka's protocol written by hand: the launcher has
// to know when a broker answers, and a Kafka client library would be a heavy way to learn it. Plain connections only.
// Blocks up to the timeout. Threads: any.
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
};

// unavailable (retriable): nothing listens, or no answer in time. corrupt: something else than Kafka listens there.
Result<ClusterView> probe(const std::string& host, int port, std::chrono::milliseconds timeout);

// Does anything take connections there? For controllers, which speak no Metadata.
bool listens(const std::string& host, int port, std::chrono::milliseconds timeout);

// The answer's bytes, without the length in front; exposed for tests.
std::vector<std::uint8_t> metadata_request();
Result<ClusterView> parse_metadata(std::span<const std::uint8_t> answer);

}  // namespace ride::broker
