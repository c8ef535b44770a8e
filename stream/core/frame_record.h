// The record format of frames (docs/frame-format.md): CloudEvents in binary mode, the value is the picture itself, all
// else stands in headers. Pure: headers in, struct out, and back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/frame.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/units.h"
#include "stream/core/origin.h"
#include "stream/core/record.h"
#include "stream/spec.h"

namespace ride::stream {

inline constexpr int kFormatVersion = 1;
inline constexpr const char* kRawContentType = "image/x-raw";

enum class RecordKind { frame, outcome, end };
enum class Outcome { filtered, dropped, dead };
const char* to_string(Outcome outcome);

// Pixels of a raw picture.
struct PixelFormat {
  int rows = 0, cols = 0, channels = 1;
  int depth = 0;  // CV_8U, CV_16U, CV_32F, ...
  bool operator==(const PixelFormat&) const = default;
  std::int64_t bytes() const;
};
std::string shape_text(const PixelFormat& format);  // "900x900x1"
std::string depth_text(int depth);                  // "8u"
Result<PixelFormat> parse_pixel_format(const std::string& shape, const std::string& depth);

// A piece of a picture that is too large for one record.
struct Chunk {
  int index = 0, count = 1;
  std::int64_t begin = 0;  // of these bytes in the whole value
  std::int64_t total = 0;  // bytes of the whole value
  bool operator==(const Chunk&) const = default;
};

struct RecordHeader {
  RecordKind kind = RecordKind::frame;
  FrameId id;
  std::string job, writer_stage;  // ce_source "job/stage"
  SystemTime captured_at{};
  Origin origin;
  int part = 0, parts = 1;  // this record is number `part` of the `parts` of its set
  int item = 0;             // which frame of the set it belongs to
  std::optional<Chunk> chunk;
  std::string writer;  // incarnation
  std::string content_type;
  std::optional<PixelFormat> pixels;  // raw only
  bool compressed = false;            // raw only: zstd
  Outcome outcome = Outcome::filtered;
  std::string reason;
  std::string traceparent;  // W3C
  std::map<std::string, std::string> attributes;
  Headers passed_on;  // headers that we do not know, in order

  bool operator==(const RecordHeader&) const = default;
};

Headers encode_header(const RecordHeader& header);

// not_found: no RIDE record at all (no ride_format header), a foreign one. unsupported: another format version.
// corrupt: a RIDE record whose headers contradict themselves; the message names the header.
Result<RecordHeader> decode_header(const Headers& headers);

// The home partition of a frame's set: a pure function of the frame (decision 0002), and of the group of tiles that it
// travels in (common/frame_tile.h), where it is partitioned by tile.
PartitionId home_partition(const FrameId& id, PartitionBy by, int partitions, int tile_group = 0);

}  // namespace ride::stream
