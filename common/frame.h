// Frame: a picture with its identity, as tasks and sources see it. Owner of the pixels: `image` by reference count, or
// `owner` where the pixels lie in a Kafka message (zero copy). Threads: a Frame is handed over, never shared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/units.h"

namespace ride {

// Identity of a source frame. Everything that a stage derives from it keeps it.
struct FrameId {
  std::string source;       // the source's name, or the topic's for foreign records
  SessionId session;        // foreign records: the partition
  std::int64_t number = 0;  // from 0 within the session; foreign records: the offset

  auto operator<=>(const FrameId&) const = default;
};
std::string to_string(const FrameId& id);  // "gate/3/1042"
Result<FrameId> parse_frame_id(const std::string& text);

enum class PixelEncoding { raw, jpeg, png };

// How pictures are put into records: raw (optionally compressed by us, zstd), PNG, or JPEG with a quality.
struct Codec {
  PixelEncoding encoding = PixelEncoding::raw;
  int quality = 90;         // JPEG, 1..100
  bool compressed = false;  // raw only: zstd

  bool operator==(const Codec&) const = default;
};
Result<Codec> parse_codec(const std::string& text);  // "raw", "raw:zstd", "png", "jpeg", "jpeg:90"
std::string to_string(const Codec& codec);

// The bytes of an encoded picture as they came in. A task that does not change the picture leaves them in place, and
// they are passed on without encoding again.
struct EncodedPicture {
  std::string content_type;  // "image/jpeg", "image/png"
  std::span<const std::uint8_t> bytes;
  std::shared_ptr<const void> owner;
};

struct Frame {
  FrameId id;
  std::string from;  // the source or stage that emitted it, or the foreign topic
  SystemTime captured_at{};
  // Pixels: rows x cols, 8U/16U/32F, 1..4 channels, BGR order for 3, value range that of the depth (32F: 0..1).
  // NEVER write into the image of a frame that was given as input: it may lie in shared, read-only memory. Allocate.
  cv::Mat image;
  std::shared_ptr<const void> owner;              // keeps the memory under `image` alive, where cv::Mat does not own it
  std::optional<EncodedPicture> encoded;          // clear it (or build a new Frame) when `image` is replaced
  std::map<std::string, std::string> attributes;  // results that travel with the frame, as headers: "detections", ...
  std::vector<std::pair<std::string, std::string>> passed_on;  // headers that we do not know, kept in order
};

// Number of bytes of the pixels.
std::int64_t pixel_bytes(const cv::Mat& image);

}  // namespace ride
