// The ports between RIDE and its log. Two adapters implement them: stream/kafka (librdkafka) and stream/memory (unit
// tests; the simulator has a Kafka of its own, tests/simulation/kafka.h). Threads: each object belongs to one thread
// unless a method says otherwise.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "common/units.h"
#include "stream/core/record.h"

namespace ride::stream {

// Reads assigned partitions, each in offset order.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // Adds a partition from `start` on. An offset outside the log is reported by poll(), never reset.
  virtual Result<void> assign(const TopicPartition& at, Offset start) = 0;
  virtual void unassign(const TopicPartition& at) = 0;
  // The next record of any assigned partition; nothing when none came in time. not_found / corrupt: the offset is gone
  // (retention overtook it) or the topic is; the message names it. Retriable errors pass by themselves.
  virtual Result<std::optional<Record>> poll(std::chrono::milliseconds timeout) = 0;
  // All records before this offset were handed out, and there the log ended: known behind records that are never handed
  // out (marks of transactions, what a compaction took). Nothing: not known, or the reader was not opened with
  // reports_ends.
  virtual std::optional<Offset> at_end(const TopicPartition&) const { return std::nullopt; }
};

// Writes records; per partition they land in the order of send(), without gaps, once each per incarnation.
class RecordWriter {
 public:
  using Delivered = std::function<void(const Result<Offset>&)>;
  virtual ~RecordWriter() = default;
  // resource_exhausted + retriable: the queue is full, nothing was taken, serve() and try again. Any other error is
  // fatal for this writer: nothing may be sent after it.
  virtual Result<void> send(const TopicPartition& to, OutRecord record, Delivered done) = 0;
  // Runs the Delivered callbacks that are due, waiting up to `timeout` for the first. A failed delivery is fatal, too.
  virtual void serve(std::chrono::milliseconds timeout) = 0;
  // Waits until all is delivered. timeout when it took longer.
  virtual Result<void> flush(std::chrono::milliseconds timeout) = 0;
};

// Committed offsets of a group that nobody subscribes with.
class CommitStore {
 public:
  virtual ~CommitStore() = default;
  virtual Result<std::map<TopicPartition, std::optional<Commit>>> committed(const std::string& group,
                                                                            const std::vector<TopicPartition>& at) = 0;
  virtual Result<void> commit(const std::string& group, const std::map<TopicPartition, Commit>& commits) = 0;
};

class TopicAdmin {
 public:
  virtual ~TopicAdmin() = default;
  virtual Result<std::vector<TopicInfo>> topics() = 0;
  virtual Result<int> broker_count() = 0;
  virtual Result<void> create(const NewTopic& topic) = 0;  // already_exists when it is there
  virtual Result<void> remove(const std::string& topic) = 0;
  virtual Result<OffsetRange> range(const TopicPartition& at) = 0;
  // The first offset whose record is not older than `since`; the end when there is none.
  virtual Result<Offset> offset_at(const TopicPartition& at, SystemTime since) = 0;
  virtual Result<void> delete_before(const TopicPartition& at, Offset offset) = 0;
};

}  // namespace ride::stream
