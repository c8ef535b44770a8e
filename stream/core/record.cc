#include "stream/core/record.h"

namespace ride::stream {

std::string to_string(const TopicPartition& at) { return at.topic + '/' + std::to_string(at.partition.value); }

}  // namespace ride::stream
