// Topics of a Kafka cluster through its admin API. Threads: any, one call at a time each. Failure: see stream/ports.h;
// every call gives up after 10 s. A topic that create() makes has the broker's time at its records, unless its
// configuration says otherwise: brokers refuse the records of a writer whose clock is more than an hour ahead
// (decision 0024).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "stream/kafka/client_config.h"
#include "stream/ports.h"

namespace ride::kafka {

// unavailable when no broker answers within `timeout`; the message names the brokers and what to do. permission, within
// about a second: the brokers refuse the user, or TLS fails.
Result<std::unique_ptr<stream::TopicAdmin>> open_admin(const ClientConfig& config,
                                                       std::chrono::milliseconds timeout = std::chrono::seconds(10));

// The settings of a topic as they are in effect. permission: this user may not see them; not_found: there is none.
Result<std::map<std::string, std::string>> topic_settings(const ClientConfig& config, const std::string& topic);

}  // namespace ride::kafka
