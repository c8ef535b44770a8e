// LogAccess over Kafka.
#pragma once

#include <memory>

#include "producer/log_access.h"
#include "stream/kafka/client_config.h"

namespace ride::producer {

std::unique_ptr<LogAccess> make_kafka_access(kafka::ClientConfig config);

}  // namespace ride::producer
