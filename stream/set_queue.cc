#include "stream/set_queue.h"

namespace ride::stream {

void SetQueue::add(const TopicPartition& to, std::vector<OutRecord> records, Done done) {
  RIDE_CHECK(!records.empty(), "a set has at least one record");
  struct Progress {
    std::size_t left;
    std::optional<Error> error;
    Done done;
  };
  auto progress = std::make_shared<Progress>(Progress{records.size(), std::nullopt, std::move(done)});
  ++*sets_;
  for (auto& record : records) {
    const auto size = static_cast<std::int64_t>(record.value.size());
    *bytes_ += size;
    waiting_.push_back(
        {to, std::move(record), [progress, size, bytes = bytes_, sets = sets_](const Result<Offset>& result) {
           *bytes -= size;
           if (!result.ok() && !progress->error) progress->error = result.error();
           if (--progress->left > 0) return;
           --*sets;
           if (progress->done) progress->done(progress->error ? Result<void>(*progress->error) : Result<void>());
         }});
  }
}

Result<void> SetQueue::pump(std::chrono::milliseconds timeout) {
  while (!waiting_.empty()) {
    auto& next = waiting_.front();
    auto sent = writer_.send(next.to, next.record, next.done);
    if (!sent.ok()) {
      if (sent.error().code != ErrorCode::resource_exhausted || !sent.error().retriable) return sent;
      break;
    }
    waiting_.pop_front();
  }
  writer_.serve(timeout);
  return {};
}

}  // namespace ride::stream
