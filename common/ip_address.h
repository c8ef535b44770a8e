// Addresses of the Internet Protocol as text. Pure.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace ride {

struct IpAddress {
  int family = 0;                         // AF_INET: the first four bytes count; AF_INET6
  std::array<unsigned char, 16> bytes{};  // as on the wire
};

// "10.0.0.1", "::1" (without brackets). Nothing: a name, or no address.
std::optional<IpAddress> parse_ip_address(std::string_view text);

// "localhost" in any case, or an address of 127.0.0.0/8 or ::1; a name that only looks like one
// ("127.0.0.1.example.com") is not.
bool is_loopback_host(std::string_view host);

}  // namespace ride
