// What a child says, read as what somebody else sent: each number is in bounds, each name of ours or well-formed,
// before anything is done with it. Pure; any thread. Failure: corrupt, with what is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/frame_limits.h"
#include "common/result.h"

namespace ride::python {

inline constexpr std::size_t kMostMessage = std::size_t{192} * 1024;
inline constexpr int kMostAttributes = 64;
inline constexpr int kMostSlots = 64;  // for outputs, at a time
inline constexpr int kPassedOn = -1;   // in the place of a slot: the input goes on as it came

struct PictureShape {
  int rows = 0, cols = 0, channels = 1;
  int type = 0;            // OpenCV's
  std::int64_t bytes = 0;  // of all pixels, at most kMostPictureBytes
};
// `depth`: "8U", "16U", "32F".
Result<PictureShape> picture_shape(std::int64_t rows, std::int64_t cols, std::int64_t channels, std::string_view depth);

struct Ready {};
struct Failed {
  std::string text;
};
struct Closed {};
struct SlotWanted {
  std::int64_t bytes = 0;
  std::vector<int> dropped;  // slots that it does not use any more
};
using Attributes = std::map<std::string, std::optional<std::string>>;  // nothing: the attribute is taken away
struct Emitted {
  int slot = kPassedOn;
  std::int64_t offset = 0;
  PictureShape shape;
  std::string port;
  Attributes attributes;
};
struct Finished {
  std::optional<std::string> raised;  // what process() raised
  bool kept = false;                  // the input is still looked at
  std::vector<int> dropped;
};
using Reply = std::variant<Ready, Failed, Closed, SlotWanted, Emitted, Finished>;

Result<Reply> parse_reply(std::string_view text);

}  // namespace ride::python
