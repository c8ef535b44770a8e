// What stands in a log, as values: a record as it is read and as it is written, a committed offset, a topic. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/units.h"

namespace ride::stream {

struct TopicPartition {
  std::string topic;
  PartitionId partition;
  auto operator<=>(const TopicPartition&) const = default;
};
std::string to_string(const TopicPartition& at);  // "frames/3"

using Headers = std::vector<std::pair<std::string, std::string>>;

// A record as read. `value` lies in memory that `owner` keeps alive (for Kafka: the message itself, no copy).
struct Record {
  TopicPartition at;
  Offset offset;
  SystemTime timestamp{};
  std::string key;
  Headers headers;
  std::span<const std::uint8_t> value;
  std::shared_ptr<const void> owner;
};

// A record to write. `owner` is released when the record is delivered or has failed.
struct OutRecord {
  std::string key;
  Headers headers;
  std::span<const std::uint8_t> value;
  std::shared_ptr<const void> owner;
  bool deletes = false;  // no value at all: in a compacted topic, what stood under the key goes away
};

struct Commit {
  Offset offset;         // the oldest record without an ACK: where the next owner begins
  std::string metadata;  // packed, see stream/core/commit_metadata.h
  bool operator==(const Commit&) const = default;
};

struct TopicInfo {
  std::string name;
  int partitions = 0;
  int replication = 0;
};

struct NewTopic {
  std::string name;
  int partitions = 1;
  int replication = 1;  // capped by the caller at the number of brokers
  std::map<std::string, std::string> config;
};

struct OffsetRange {
  Offset first;  // oldest record that is still there
  Offset end;    // one past the newest
};

}  // namespace ride::stream
