// Reads a range of one partition from one offset to another, the way a restart looks at what it wrote before.
// Threads: any; `stop` may be set by another one and ends it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "stream/ports.h"

namespace ride::producer {

// Calls `on_record` with every record of [range.first, range.end) in order. timeout (retriable): the log did not give
// them in `limit`; errors of the reader are passed on, retriable: a range that was deleted meanwhile is asked for
// again. cancelled: `stop` became true.
Result<void> read_range(stream::RecordReader& reader, const stream::TopicPartition& at, stream::OffsetRange range,
                        std::chrono::milliseconds limit, const std::function<void(const stream::Record&)>& on_record,
                        const std::atomic<bool>* stop = nullptr);

}  // namespace ride::producer
