// The Java that runs Kafka. Reads files and environment, and starts `java -version` only where a folder does not say
// its version, for ten seconds at most. Threads: any.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "common/result.h"

namespace ride::broker {

inline constexpr int kOldestJava = 17;  // Kafka 4 needs it

struct Java {
  std::filesystem::path program;  // .../bin/java, links resolved
  std::string version;            // "17.0.15"
  int major = 0;
};

// JAVA_HOME first, then PATH; the first that is new enough. not_found / unsupported: what was found, and how to fix
// it. cancelled: `stop` broke off the waiting for its answer.
Result<Java> find_java(std::stop_token stop = {});

}  // namespace ride::broker
