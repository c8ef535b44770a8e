// Sets: all that one origin leads to in one topic, as records that share the origin and lie in one home partition
// (decision 0002). Pure: makes records, sends nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "stream/core/frame_record.h"
#include "stream/core/record.h"
#include "stream/core/set_assembler.h"

namespace ride::stream {

// Above this a picture is cut into chunks (decision 0035: up to 8 MB a frame is one message, above it 4 MB chunks are
// best).
struct ChunkLimits {
  std::int64_t whole_bytes = 8 << 20;
  std::int64_t chunk_bytes = 4 << 20;
};
// For a cluster that takes messages up to so many bytes: never above it, headers included.
ChunkLimits chunk_limits(std::int64_t max_message_bytes);

struct SetFrame {
  RecordHeader header;  // id, times, content description, attributes; the set's fields are filled in
  Payload payload;
};

// Who writes, and what released it.
struct SetIdentity {
  std::string job, writer_stage, writer;
  Origin origin;
};

std::vector<OutRecord> make_frame_set(const SetIdentity& identity, std::vector<SetFrame> frames,
                                      const ChunkLimits& limits);
std::vector<OutRecord> make_outcome_set(const SetIdentity& identity, RecordHeader header, Outcome outcome,
                                        const std::string& reason);
std::vector<OutRecord> make_end_set(const SetIdentity& identity, const FrameId& last, SystemTime at);

}  // namespace ride::stream
