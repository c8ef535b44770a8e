// How the CLI's settings become a Kafka client's, and the flags of the programs that it starts. Threads: any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/core/settings.h"
#include "stream/kafka/client_config.h"

namespace ride::cli {

Result<kafka::ClientConfig> kafka_config(const Settings& settings);
Result<kafka::ClientConfig> kafka_config(const Settings& settings, const std::string& brokers);

// The settings of a file for --kafka-config. permission: it holds a password, and others may read it.
Result<std::map<std::string, std::string>> load_kafka_config(const std::string& file);

// --brokers, --prefix, --kafka-config, --max-message-bytes for ride-master and ride-agent.
std::vector<std::string> kafka_arguments(const Settings& settings, const std::string& brokers,
                                         const std::string& prefix);

}  // namespace ride::cli
