// LogAccess: what a source needs of the log, made anew for each of its threads. Two adapters: Kafka (kafka_access.h)
// and the in-memory log in tests. Threads: any; each object that it makes belongs to the thread that asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stream/ports.h"

namespace ride::producer {

struct OpenedWriter {
  std::unique_ptr<stream::RecordWriter> writer;
  std::function<bool()> failed;  // the writer is beyond use: its incarnation ends
};

class LogAccess {
 public:
  virtual ~LogAccess() = default;
  // Knows the leaders of `topics` already, so that the first frame does not wait. retriable: not there yet, or away.
  virtual Result<OpenedWriter> writer(const std::vector<std::string>& topics, std::int64_t queue_bytes) = 0;
  virtual Result<std::unique_ptr<stream::RecordReader>> reader() = 0;
  virtual Result<std::unique_ptr<stream::CommitStore>> commits() = 0;
  virtual Result<std::unique_ptr<stream::TopicAdmin>> admin() = 0;
};

}  // namespace ride::producer
