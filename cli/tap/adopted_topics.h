// Reads the decisions log for the topics of others that stages read. Needs no master. Threads: one. Failure: timeout
// when the log did not come to its end in time.
#pragma once

#include <chrono>

#include "cli/core/adopted_stages.h"
#include "stream/kafka/client_config.h"

namespace ride::cli {

Result<AdoptedTopics> adopted_topics(const kafka::ClientConfig& config, const std::string& prefix,
                                     std::chrono::milliseconds timeout);

}  // namespace ride::cli
