// What people write on command lines, in variables and in files, checked before anything starts: one check for each
// kind, for all programs. Errors: invalid_argument with cause and fix; the caller puts the place in front. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/result.h"
#include "common/units.h"

namespace ride {

// "host:port,host:port" as Kafka's clients take it: a port may be left out, "[::1]:9092" and "SSL://host:port" are
// fine.
Result<void> check_brokers(std::string_view text);

// It begins the names of topics and groups, and a dot ends it there.
Result<void> check_prefix(std::string_view text);

// "2GiB" between the two, both included.
Result<std::int64_t> size_between(std::string_view text, ByteSize least, ByteSize most);

// "100ms" between 10ms and 60s: the time between two ticks of the master.
Result<std::chrono::milliseconds> check_tick_interval(std::string_view text);

// The largest message of a cluster as clients may be given it; brokers need at least kMinMaxMessageBytes
// (broker-config).
Result<std::int64_t> check_max_message_bytes(std::string_view text);

}  // namespace ride
