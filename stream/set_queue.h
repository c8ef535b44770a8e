// SetQueue: hands whole sets to a RecordWriter in order, and goes on in the middle of one when the writer was full.
// Bounded by its users: they look at bytes() and stop making more. Threads: that of its writer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "stream/ports.h"

namespace ride::stream {

class SetQueue {
 public:
  // Called once when every record of the set is delivered, or with the first failure.
  using Done = std::function<void(const Result<void>&)>;

  explicit SetQueue(RecordWriter& writer) : writer_(writer) {}

  void add(const TopicPartition& to, std::vector<OutRecord> records, Done done);

  // Sends what the writer takes, then runs callbacks, waiting up to `timeout` for the first. The error is final.
  Result<void> pump(std::chrono::milliseconds timeout);

  std::int64_t bytes() const { return *bytes_; }  // added and not yet delivered
  std::size_t sets() const { return *sets_; }
  bool idle() const { return *sets_ == 0; }

 private:
  struct Waiting {
    TopicPartition to;
    OutRecord record;
    RecordWriter::Delivered done;
  };
  RecordWriter& writer_;
  std::deque<Waiting> waiting_;
  // Shared with callbacks that may come after this queue is gone.
  std::shared_ptr<std::int64_t> bytes_ = std::make_shared<std::int64_t>(0);
  std::shared_ptr<std::size_t> sets_ = std::make_shared<std::size_t>(0);
};

}  // namespace ride::stream
