// HOST:PORT as people write it, for every program and setting that takes one. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ride {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address; empty: none was given (":7800")
  int port = 0;      // 0 to 65535
  bool operator==(const HostPort&) const = default;
};

// "127.0.0.1:7800", "[::1]:0", ":7800". Nothing: no colon, or what stands behind the last one is no port.
std::optional<HostPort> parse_host_port(std::string_view text);
// As it was written: an IPv6 address in brackets.
std::string to_string(const HostPort& address);

}  // namespace ride
