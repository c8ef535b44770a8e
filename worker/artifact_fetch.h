// The files that a stage's task reads, where the job brings them: out of the node's cache, else out of Kafka. Threads:
// the caller's, one. Failure: retriable while the brokers do not answer or the disk is full; final where an artifact is
// gone or is not what it should be.
#pragma once

#include <functional>
#include <string>

#include "stream/artifact_log.h"
#include "stream/kafka/client_config.h"
#include "worker/artifact_cache.h"

namespace ride::worker {

using FetchArtifact = std::function<Result<HeldArtifact>(const stream::ArtifactRef& ref, const stream::Stopped&)>;

// `folder`: of the cache; empty: artifacts_folder().
FetchArtifact fetch_from_kafka(const kafka::ClientConfig& config, const std::string& prefix, const std::string& folder);

}  // namespace ride::worker
