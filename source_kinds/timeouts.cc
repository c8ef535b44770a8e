#include "source_kinds/timeouts.h"

namespace ride {
namespace {

constexpr double kLeastMs = 100, kMostMs = 3600.0 * 1000;

}  // namespace

std::vector<KeySpec> timeout_keys() {
  return {
      {.name = "connect_timeout",
       .type = KeyType::duration,
       .doc = "Camera, or video of a URL: how long it may take to answer and to begin its stream, before it is tried "
              "again.",
       .min = kLeastMs,
       .max = kMostMs,
       .example = "30s",
       .param = "connect_timeout_ms",
       .default_value = std::int64_t{kConnectTimeout.count()},
       .only_if_given = true},
      {.name = "read_timeout",
       .type = KeyType::duration,
       .doc = "Camera, or video of a URL: how long no picture may come before it counts as lost and is opened again; "
              "more than the time between two of its pictures.",
       .min = kLeastMs,
       .max = kMostMs,
       .example = "15s",
       .param = "read_timeout_ms",
       .default_value = std::int64_t{kReadTimeout.count()},
       .only_if_given = true},
  };
}

}  // namespace ride
