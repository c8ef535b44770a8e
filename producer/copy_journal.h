// CopyJournal: the log in which the owners of a source that copies a topic agree on numbers
// (producer/core/copy_order.h). It lies in the source's manifest topic, and goes with the run. Call order: open(), then
// propose() and read_agreed() in any order. Threads: one. Failure: an error is retriable, and ends this opening: open()
// again.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "producer/core/copy_order.h"
#include "producer/log_access.h"

namespace ride::producer {

class CopyJournal {
 public:
  CopyJournal(LogAccess& log, std::string topic);

  // Reads all that is in it: the places with a number from `first` on.
  Result<std::vector<NumberedPlace>> open(std::int64_t first);
  // The order as far as it was read.
  const CopyOrder& order() const { return order_; }
  // Hands a proposal over; what comes of it is read by read_agreed().
  Result<void> propose(const std::vector<CopyPlace>& places);
  // What was agreed on since, waiting up to `timeout` for the first.
  Result<std::vector<NumberedPlace>> read_agreed(std::chrono::milliseconds timeout);
  // No number below this one is asked for again: what is only about those is deleted, now and then.
  void forget_before(std::int64_t number);
  void close();

 private:
  struct Checkpoint {
    std::int64_t offset = 0;  // of the journal
    CopyOrder order;          // of all that lies before it
  };

  Result<void> ensure_topic();
  Result<void> send(const std::string& kind, std::string value);
  std::vector<NumberedPlace> handle(const stream::Record& record);
  void trim(const Checkpoint& checkpoint);

  LogAccess& log_;
  const stream::TopicPartition at_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<stream::RecordReader> reader_;
  CopyOrder order_;
  std::int64_t next_ = 0, first_ = 0;  // offsets of the journal: to read, kept
  std::deque<Checkpoint> checkpoints_;
  std::optional<Checkpoint> trimming_;
  bool trim_stands_ = false;
  OpenedWriter writer_;  // last: destroying it may still run callbacks
};

}  // namespace ride::producer
