// What an accepted set led to: the sets that go on, and how it is counted. Pure values.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "stream/core/set.h"
#include "worker/core/ack_window.h"

namespace ride::worker {

// A set for one output partition.
struct SetToSend {
  stream::TopicPartition to;
  std::vector<stream::OutRecord> records;
};

struct Processed {
  Offset released_by;
  std::vector<SetToSend> sets;      // sent at once, in order
  std::vector<SetToSend> end_sets;  // sent when all before is ACKed (decision 0040)
  bool is_end = false;
  Counted counted = Counted::acked;
  std::vector<std::string> released;  // groups whose held frames are durable now: sets before this one
  std::optional<std::string> held;    // ACKed only when this group is released by a later set (tasks::Emitter::hold)
  std::optional<std::string> dead_reason;
  // What has to be done on another thread before this counts, in order; each may be called again after a retriable
  // Error.
  std::vector<std::function<Result<void>()>> deferred;
  std::int64_t bytes = 0;            // of the sets' payloads
  std::chrono::nanoseconds busy{0};  // time inside process()
};

}  // namespace ride::worker
