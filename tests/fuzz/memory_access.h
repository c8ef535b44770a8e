// producer/log_access.h over the in-memory log, without the faults that tests/producer/memory_access.h has.
#pragma once

#include "producer/log_access.h"
#include "stream/memory/memory_log.h"
#include "tests/fuzz/records.h"

namespace ride::fuzz {

class MemoryAccess : public producer::LogAccess {
 public:
  explicit MemoryAccess(std::shared_ptr<stream::MemoryLog> log) : log_(std::move(log)) {}
  Result<producer::OpenedWriter> writer(const std::vector<std::string>&, std::int64_t) override {
    return producer::OpenedWriter{log_->writer(), [] { return false; }};
  }
  Result<std::unique_ptr<stream::RecordReader>> reader() override { return log_->reader(); }
  Result<std::unique_ptr<stream::CommitStore>> commits() override { return log_->commits(); }
  Result<std::unique_ptr<stream::TopicAdmin>> admin() override { return log_->admin(); }

 private:
  std::shared_ptr<stream::MemoryLog> log_;
};

// A topic of one partition that holds these.
inline std::shared_ptr<stream::MemoryLog> log_with(const std::string& topic, const std::vector<TextRecord>& records) {
  auto log = stream::MemoryLog::make();
  log->admin()->create({.name = topic}).value();
  const auto writer = log->writer();
  for (const auto& record : records)
    writer->send({topic, PartitionId{0}}, {.headers = record.headers, .value = record.bytes()}, nullptr).value();
  writer->flush(std::chrono::milliseconds(0)).value();
  return log;
}

}  // namespace ride::fuzz
