// An in-memory log with the same ports as Kafka's adapters: for unit tests. All objects made from one MemoryLog
// share its records. Threads: any (one mutex). What a crash means: drop the reader and the writer, keep the log.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "stream/ports.h"

namespace ride::stream {

class MemoryLog : public std::enable_shared_from_this<MemoryLog> {
 public:
  static std::shared_ptr<MemoryLog> make() { return std::shared_ptr<MemoryLog>(new MemoryLog()); }

  std::unique_ptr<RecordReader> reader();
  // A writer whose records land when it is served, as with a broker that answers late.
  std::unique_ptr<RecordWriter> writer();
  std::unique_ptr<CommitStore> commits();
  std::unique_ptr<TopicAdmin> admin();

  std::vector<Record> records(const TopicPartition& at) const;

 private:
  friend class MemoryReader;
  friend class MemoryWriter;
  friend class MemoryCommits;
  friend class MemoryAdmin;
  MemoryLog() = default;

  struct Partition {
    std::vector<Record> records;  // index = offset
    Offset first{0};              // older ones are deleted
  };
  struct Topic {
    NewTopic spec;
    std::vector<Partition> partitions;
  };

  Partition* find(const TopicPartition& at);
  Result<Offset> append(const TopicPartition& to, const OutRecord& record);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Topic> topics_;
  std::map<std::string, std::map<TopicPartition, Commit>> commits_;
};

}  // namespace ride::stream
