// The port between a source of pictures and the runner that paces and sends them.
// Owner: one SourceRunner. Threads: one; a source that waits for a device does so on a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <string>
#include <variant>

#include "common/frame.h"
#include "common/result.h"
#include "common/units.h"

namespace ride::producer {

// One picture: pixels, or the bytes of a file as they were found, or both.
struct CapturedFrame {
  std::int64_t number =
      0;  // of the item; of a live source: counts what was grabbed, the runner gives the frame's number
  SystemTime captured_at{};  // live: when it was grabbed; else the runner sets it when the frame is due
  std::chrono::steady_clock::time_point grabbed_at{};  // the same moment, by the clock that nobody sets
  cv::Mat image;
  std::optional<EncodedPicture> encoded;
  std::string name;                               // for messages: the file's path
  std::map<std::string, std::string> attributes;  // travel with the frame

  std::int64_t bytes() const {
    return pixel_bytes(image) + (encoded ? static_cast<std::int64_t>(encoded->bytes.size()) : 0);
  }
};

// An item that is no usable picture. Its number is used up; `cause` says what is wrong, for people.
struct RejectedItem {
  std::int64_t number = 0;
  std::string name;
  std::string cause;
};
struct NothingYet {};
struct SourceEnded {};
using Pulled = std::variant<NothingYet, CapturedFrame, RejectedItem, SourceEnded>;

struct SourceState {
  bool live = false;         // a device that goes on without us: numbers, capture times and reconnecting differ
  std::int64_t total = -1;   // items of a finite source; -1: unknown or endless
  std::int64_t done = 0;     // of these, left out because an earlier run did all with them
  double own_fps = 0;        // 0: none of its own
  std::int64_t dropped = 0;  // live: grabbed, but not pulled in time
};

// Call order: open(), next()..., close(); then open() again is allowed. close() may be called at any time, also twice.
class Source {
 public:
  virtual ~Source() = default;
  // Begins with item `first` (live sources ignore it). A retriable error may pass by itself: try again. The message has
  // place, cause and fix, and no credentials.
  virtual Result<void> open(std::int64_t first) = 0;
  // The next item, waiting up to `timeout` where it depends on a device. An error ends this opening: close() and, when
  // it is retriable, open() again.
  virtual Result<Pulled> next(std::chrono::milliseconds timeout) = 0;
  virtual void close() = 0;
  virtual SourceState state() const = 0;
  // What came of this item (a frame, or the record in place of a rejected one) is acknowledged by the brokers.
  virtual void acknowledged(std::int64_t /*number*/) {}
};

}  // namespace ride::producer
