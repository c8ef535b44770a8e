// FrameSetWriter: a source's way into Kafka. Puts each numbered frame as a set into its home partition of every output.
// Threads: one. Failure: an error of write() or serve() other than a retriable resource_exhausted ends the incarnation.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/frame.h"
#include "stream/core/set.h"
#include "stream/frame_codec.h"
#include "stream/set_queue.h"
#include "stream/spec.h"

namespace ride::stream {

class FrameSetWriter {
 public:
  struct Config {
    std::string job;
    RunNumber run;
    std::string source;
    std::string writer;  // incarnation
    std::vector<OutputSpec> outputs;
    std::string default_codec;  // where an output states none; empty: as in content_for()
    std::int64_t max_message_bytes = 16 << 20;
    std::int64_t queue_bytes = 64 << 20;  // of frames not yet acknowledged
  };
  using Done = std::function<void(const Result<void>&)>;  // all outputs have it, or the first failure

  FrameSetWriter(RecordWriter& writer, Config config);

  // `frame.id` gives session and number: the key (session, number). The frame's picture is `encoded` when it is set
  // (its bytes go as they are unless a codec asks for others), else `image`. resource_exhausted + retriable: over
  // queue_bytes, nothing was taken; serve() and try again, or drop it.
  Result<void> write(const Frame& frame, Done done);
  // The frame was given up before it was sent (dropped, broken): a record in its place.
  Result<void> write_outcome(const FrameId& id, SystemTime at, Outcome outcome, const std::string& reason, Done done);
  // No frame follows in this session. `next` is one above the last number.
  Result<void> write_end(SessionId session, std::int64_t next, SystemTime at, Done done);

  Result<void> serve(std::chrono::milliseconds timeout) { return queue_.pump(timeout); }
  Result<void> flush(std::chrono::milliseconds timeout);
  std::int64_t bytes() const { return queue_.bytes(); }
  bool idle() const { return queue_.idle(); }

 private:
  SetIdentity identity(SessionId session, std::int64_t number) const;
  Done shared_between(std::size_t parts, Done done) const;

  Config config_;
  SetQueue queue_;
};

}  // namespace ride::stream
