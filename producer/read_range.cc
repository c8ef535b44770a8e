#include "producer/read_range.h"

#include <spdlog/fmt/fmt.h>

namespace ride::producer {

Result<void> read_range(stream::RecordReader& reader, const stream::TopicPartition& at, stream::OffsetRange range,
                        std::chrono::milliseconds limit, const std::function<void(const stream::Record&)>& on_record,
                        const std::atomic<bool>* stop) {
  if (range.first >= range.end) return {};
  if (auto assigned = reader.assign(at, range.first); !assigned) return assigned;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  Result<void> result;
  for (Offset next = range.first; next < range.end && result.ok();) {
    if (stop != nullptr && *stop) {
      result = Error{ErrorCode::cancelled, fmt::format("reading {} was stopped", to_string(at)), /*retriable=*/true};
      break;
    }
    auto record = reader.poll(std::chrono::milliseconds(100));
    if (!record) {
      if (!record.error().retriable) result = Error{record.error().code, record.error().message, /*retriable=*/true};
    } else if (*record && (*record)->at == at) {
      next = Offset{(*record)->offset.value + 1};
      if ((*record)->offset < range.end) on_record(**record);
    }
    if (next < range.end && std::chrono::steady_clock::now() >= deadline) {
      result =
          Error{ErrorCode::timeout, fmt::format("{} could not be read in time", to_string(at)), /*retriable=*/true};
    }
  }
  reader.unassign(at);
  return result;
}

}  // namespace ride::producer
