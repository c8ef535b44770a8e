// A record before it is built: how deep its text is nested, and its numbers before they are converted, since C++ would
// cut 2^32 + 1 to 1 and has no answer for 1e300.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "common/json.h"
#include "stream/core/control_limits.h"

namespace ride::stream {

namespace {

constexpr int kMostDepth = 16;  // the deepest key of an honest record lies at 7

enum class Whole { none, small, large };  // what a key's number is read as: not as a whole one, int, std::int64_t

// In alphabetical order. A test writes hostile numbers under every key of every record, so none can be missing here.
constexpr auto kSmall =
    std::to_array<std::string_view>({"count", "exit_code", "max", "min", "part", "partition", "partitions", "parts",
                                     "priority", "replication", "signal", "spares", "version", "workers"});
constexpr auto kLarge = std::to_array<std::string_view>(
    {"accepted",     "acked",      "at",         "calm_ms",           "captured",   "claim_epoch",  "committed",
     "dead",         "deadline",   "drain_ms",   "dropped",           "duplicates", "earlier",      "end",
     "epoch",        "expired",    "filtered",   "frame_timeout_ms",  "frames",     "gaps",         "in",
     "keep_ms",      "last_frame", "max_age_ms", "max_message_bytes", "max_pixels", "memory_bytes", "number",
     "offset",       "order",      "out",        "phase_at",          "pid",        "position",     "rejected",
     "retention_ms", "rss_bytes",  "run",        "session",           "sized_at",   "started",      "submitted_at",
     "told",         "total",      "unwritten"});
static_assert(std::is_sorted(kSmall.begin(), kSmall.end()) && std::is_sorted(kLarge.begin(), kLarge.end()));

Whole kind_of(std::string_view key) {
  if (std::binary_search(kSmall.begin(), kSmall.end(), key)) return Whole::small;
  if (std::binary_search(kLarge.begin(), kLarge.end(), key)) return Whole::large;
  return Whole::none;
}

std::optional<std::string> misfit(const nlohmann::json& value, std::string_view key, Whole kind) {
  if (kind == Whole::none || !value.is_number()) return std::nullopt;
  if (value.is_number_float()) return fmt::format("'{}' is not a whole number", key);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    return fmt::format("'{}' is too large", key);
  const auto number = value.get<std::int64_t>();
  const bool fits = kind == Whole::large || (number >= std::numeric_limits<std::int32_t>::min() &&
                                             number <= std::numeric_limits<std::int32_t>::max());
  return fits ? std::nullopt : std::optional(fmt::format("'{}' is {}, which is too large", key, number));
}

// `within`: all below is of this kind, whatever the keys are (they are names of topics and jobs). Depth is bounded
// already.
std::optional<std::string> walk(const nlohmann::json& value, std::string_view key, Whole kind, bool within) {
  if (value.is_array()) {
    for (const auto& one : value)
      if (auto wrong = walk(one, key, kind, within)) return wrong;
    return std::nullopt;
  }
  if (!value.is_object()) return misfit(value, key, kind);
  for (const auto& [name, one] : value.items()) {
    if (name == "params" || name == "labels") {
      if (!within) continue;  // checked where they are read
    }
    const bool map = within || name == "ends" || name == "runs" || name == "sessions";
    if (auto wrong = walk(one, name, map ? Whole::large : kind_of(name), map)) return wrong;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_misfit(const nlohmann::json& record) { return walk(record, "", Whole::none, false); }

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace ride::stream
