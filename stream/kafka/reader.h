// Reading frames from Kafka and committing offsets, on one consumer that assigns and never subscribes.
// Threads: RecordReader belongs to one thread; the CommitStore may be used from any. Failure: see stream/ports.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "stream/kafka/client_config.h"
#include "stream/ports.h"

namespace ride::kafka {

struct ReaderOptions {
  std::string group;                         // where commits go; needs no members
  std::int64_t prefetch_bytes = 64LL << 20;  // fetched ahead of poll()
  // How long the broker holds a fetch that finds nothing. A record that arrives ends it at once; a partition that is
  // newly assigned waits for it. Longer, where partitions do not change: an idle reader then asks twice a second, not
  // 100 times.
  std::chrono::milliseconds fetch_wait{10};
  bool reports_ends = false;  // at_end() is known; costs one more answer whenever a log's end is reached
};

// Retention was quicker than the reader.
struct Overtaken {
  stream::TopicPartition at;
  Offset first;  // its oldest record now
};

class KafkaReader : public stream::RecordReader, public stream::CommitStore {
 public:
  static Result<std::unique_ptr<KafkaReader>> open(const ClientConfig& config, const ReaderOptions& options);
  // Learns the topic's leaders now: else the first assign() of one of its partitions waits up to a second for them.
  virtual Result<void> prepare(const std::string& topic) = 0;
  // The newest end of the log that fetches have reported; nothing when unknown.
  virtual std::optional<Offset> end_of(const stream::TopicPartition& at) = 0;
  // Behind a poll() that said corrupt: whose records were deleted before they were read, and where it begins now;
  // nothing: the offset lies above the end of its log. poll() says either only when the leader has confirmed it.
  virtual const std::optional<Overtaken>& overtaken() const = 0;
  // Asks the brokers for the ends of these logs; any thread. unavailable when one cannot be found out.
  virtual Result<std::map<stream::TopicPartition, Offset>> ask_ends(const std::vector<stream::TopicPartition>& at) = 0;
};

// Commits for any group, for processes that read nothing.
Result<std::unique_ptr<stream::CommitStore>> open_commit_store(const ClientConfig& config);

}  // namespace ride::kafka
