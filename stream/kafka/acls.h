// Writes ACLs through the cluster's admin API. Threads: any. Failure: gives up after 10 s; see stream/ports.h.
#pragma once

#include <vector>

#include "stream/core/rights.h"
#include "stream/kafka/client_config.h"

namespace ride::kafka {

// Idempotent: a rule that stands already stays. permission: this user may not change ACLs (Alter on the cluster), or
// the cluster refuses the user; unsupported: the cluster has no authorizer.
Result<void> create_acls(const ClientConfig& config, const std::vector<stream::AclRule>& rules);

// How this library can log in to Kafka 4: SCRAM-SHA-512, or PLAIN where librdkafka is older than 2.6.1: its SCRAM sends
// its own nonce twice (librdkafka issue 4895), and Kafka 4 compares it.
const char* login_mechanism();

}  // namespace ride::kafka
