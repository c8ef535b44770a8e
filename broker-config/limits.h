// Every size limit of the cluster and of its clients, derived from one number: the largest message (max_message_bytes).
// If one of them is smaller than the others, the largest frames get stuck half way, so they are never set by hand.
// Header only, pure, standard library only: the stream adapter and the master use it without linking the launcher.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace ride::broker {

inline constexpr std::int64_t kDefaultMaxMessageBytes = 16 << 20;
inline constexpr std::int64_t kMinMaxMessageBytes = 1 << 20;    // below, our own control records would not fit
inline constexpr std::int64_t kMaxMaxMessageBytes = 400 << 20;  // four of them have to stay below 2^31 - 1 on the wire
inline constexpr std::int64_t kOffsetMetadataMaxBytes = 32768;  // space for the packed commit metadata

using Settings = std::map<std::string, std::string>;

// One response of a broker holds up to four of the largest messages (what replicas fetch from each other).
constexpr std::int64_t fetch_response_bytes(std::int64_t max_message_bytes) { return 4 * max_message_bytes; }

// librdkafka settings. Two sets, since a producer warns about a consumer's.
inline Settings producer_limits(std::int64_t max_message_bytes) {
  return {{"message.max.bytes", std::to_string(max_message_bytes)}};
}

// A consumer asks for less at once: responses are memory that a single held message pins, and moderate blocks are
// reused.
inline Settings consumer_limits(std::int64_t max_message_bytes) {
  const std::int64_t fetch = std::max<std::int64_t>(8 << 20, max_message_bytes);
  return {
      {"message.max.bytes", std::to_string(max_message_bytes)},
      {"fetch.message.max.bytes", std::to_string(max_message_bytes)},            // per partition
      {"fetch.max.bytes", std::to_string(fetch)},                                // per response
      {"receive.message.max.bytes", std::to_string(fetch + max_message_bytes)},  // has to be above fetch.max.bytes
  };
}

// For a client that is not known to be one or the other.
inline Settings client_limits(std::int64_t max_message_bytes) { return consumer_limits(max_message_bytes); }

// Settings of a topic that carries frames: what was read is deleted a segment at a time, so segments are small (Kafka's
// own 1 GB would keep 40 s of 30 fps VGA), yet hold several of the largest messages.
inline Settings frame_topic_settings(std::int64_t max_message_bytes) {
  return {
      {"segment.bytes", std::to_string(std::max<std::int64_t>(64 << 20, fetch_response_bytes(max_message_bytes)))},
      {"max.message.bytes", std::to_string(max_message_bytes)},
      {"file.delete.delay.ms", "1000"},  // disk comes back soon after a deletion; default a minute
  };
}

}  // namespace ride::broker
