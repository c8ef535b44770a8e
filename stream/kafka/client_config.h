// How to reach a Kafka cluster. Plain values; the librdkafka settings that RIDE needs are added by the adapters.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::kafka {

struct ClientConfig {
  std::string brokers;                        // "host:port,host:port"
  std::map<std::string, std::string> extra;   // librdkafka settings passed through: security.protocol, sasl.*, ssl.*
  std::int64_t max_message_bytes = 16 << 20;  // of the cluster; every size limit derives from it
  std::string client_id = "ride";
};

// "security.protocol=SASL_SSL" pairs from repeated --kafka flags and from the file named by --kafka-config (one a line,
// # comments). invalid_argument: not key=value, or a key that RIDE sets itself (delivery guarantees hang on it); the
// message names it.
Result<std::map<std::string, std::string>> parse_client_settings(const std::vector<std::string>& pairs);

}  // namespace ride::kafka
