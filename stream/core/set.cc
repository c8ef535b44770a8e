#include "stream/core/set.h"

#include <algorithm>

namespace ride::stream {

namespace {

constexpr std::int64_t kHeaderSpace = 64 << 10;  // of a message, for headers and the batch's own bytes

OutRecord finish(const SetIdentity& identity, RecordHeader header, Payload payload) {
  header.job = identity.job;
  header.writer_stage = identity.writer_stage;
  header.writer = identity.writer;
  header.origin = identity.origin;
  return OutRecord{to_string(header.id), encode_header(header), payload.bytes, std::move(payload.owner)};
}

int chunk_count(const SetFrame& frame, const ChunkLimits& limits) {
  const auto size = static_cast<std::int64_t>(frame.payload.bytes.size());
  if (size <= limits.whole_bytes) return 1;
  return static_cast<int>((size + limits.chunk_bytes - 1) / limits.chunk_bytes);
}

}  // namespace

ChunkLimits chunk_limits(std::int64_t max_message_bytes) {
  const auto space = std::max<std::int64_t>(max_message_bytes - kHeaderSpace, 16 << 10);
  const ChunkLimits best;
  return {std::min(best.whole_bytes, space), std::min(best.chunk_bytes, space)};
}

std::vector<OutRecord> make_frame_set(const SetIdentity& identity, std::vector<SetFrame> frames,
                                      const ChunkLimits& limits) {
  RIDE_CHECK(!frames.empty(), "a set without frames is an outcome");
  int parts = 0;
  for (const auto& frame : frames) parts += chunk_count(frame, limits);
  std::vector<OutRecord> records;
  records.reserve(static_cast<std::size_t>(parts));
  int part = 0, item = 0;
  for (auto& frame : frames) {
    const auto total = static_cast<std::int64_t>(frame.payload.bytes.size());
    const int count = chunk_count(frame, limits);
    auto header = std::move(frame.header);
    header.kind = RecordKind::frame;
    header.parts = parts;
    header.item = item++;
    for (int index = 0; index < count; ++index) {
      header.part = part++;
      auto payload = frame.payload;
      if (count > 1) {
        const auto begin = index * limits.chunk_bytes;
        header.chunk = Chunk{index, count, begin, total};
        payload.bytes = frame.payload.bytes.subspan(
            static_cast<std::size_t>(begin), static_cast<std::size_t>(std::min(limits.chunk_bytes, total - begin)));
      }
      records.push_back(finish(identity, header, std::move(payload)));
    }
  }
  return records;
}

std::vector<OutRecord> make_outcome_set(const SetIdentity& identity, RecordHeader header, Outcome outcome,
                                        const std::string& reason) {
  constexpr std::size_t kMaxReason = 1000;
  header.kind = RecordKind::outcome;
  header.outcome = outcome;
  header.reason = reason.substr(0, kMaxReason);
  header.part = 0;
  header.parts = 1;
  header.item = 0;
  header.chunk.reset();
  header.pixels.reset();
  header.compressed = false;
  header.content_type.clear();
  std::vector<OutRecord> records;
  records.push_back(finish(identity, std::move(header), {}));
  return records;
}

std::vector<OutRecord> make_end_set(const SetIdentity& identity, const FrameId& last, SystemTime at) {
  RecordHeader header;
  header.kind = RecordKind::end;
  header.id = last;
  header.captured_at = at;
  std::vector<OutRecord> records;
  records.push_back(finish(identity, std::move(header), {}));
  return records;
}

}  // namespace ride::stream
