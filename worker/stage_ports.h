// The log as a stage sees it: Kafka in the program, memory in tests and the simulator.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "stream/kafka/client_config.h"
#include "stream/ports.h"
#include "stream/spec.h"

namespace ride::worker {

struct StagePorts {
  std::shared_ptr<stream::RecordReader> reader;                                // reader thread
  std::shared_ptr<stream::RecordWriter> writer;                                // writer thread
  std::shared_ptr<stream::CommitStore> commits;                                // control thread and the committer's
  std::function<std::optional<Offset>(const stream::TopicPartition&)> end_of;  // any thread
  // Behind a poll() that said corrupt; reader thread: whose records were deleted before they were read, and where it
  // begins now. Empty: not known, ask range_of.
  std::function<std::optional<std::pair<stream::TopicPartition, Offset>>()> overtaken;
  // Asks the brokers; reader thread.
  std::function<Result<stream::OffsetRange>(const stream::TopicPartition&)> range_of;
  // Asks the brokers; the end watch's thread. Empty: nobody asks.
  std::function<Result<std::map<stream::TopicPartition, Offset>>(const std::vector<stream::TopicPartition>&)> ends_of;
};

// Connected, with the topics of the stage known. `finite`: the job ends by itself, so that what asking costs counts for
// more than how soon a partition that moves is read. Failure: not_found while a topic is not there (yet).
Result<StagePorts> open_kafka_ports(const kafka::ClientConfig& config, const stream::StageSpec& stage, bool finite);

}  // namespace ride::worker
