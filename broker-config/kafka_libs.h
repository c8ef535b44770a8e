// The Kafka jars that the launcher runs: those that scripts/fetch-kafka copied, or the libs folder of a Kafka
// distribution. Reads the file system only. Threads: any.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::broker {

struct KafkaLibs {
  std::filesystem::path folder;  // absolute
  std::string version;           // "4.1.0"
  std::vector<std::filesystem::path>
      jars;  // sorted by name: the class path, and so the class-data archive, stays the same
};

// Where the jars may be, in order: RIDE_KAFKA_LIBS alone if set; .kafka/libs in the working directory or in the
// program's folder or above either; share/ride/kafka beside the program's bin.
std::vector<std::filesystem::path> kafka_lib_places();

// The first place that holds them. not_found, corrupt (a jar is missing or cut short), unsupported (before Kafka 4):
// with the fix.
Result<KafkaLibs> find_kafka_libs();
Result<KafkaLibs> kafka_libs_in(const std::filesystem::path& folder);

}  // namespace ride::broker
