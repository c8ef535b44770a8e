#include "common/ip_address.h"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>
#include <string>

namespace ride {

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton would read up to it
  const std::string host(text);
  IpAddress address;
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, host.c_str(), address.bytes.data()) != 1) continue;
    address.family = family;
    return address;
  }
  return std::nullopt;
}

bool is_loopback_host(std::string_view host) {
  constexpr std::string_view kName = "localhost";
  if (host.size() == kName.size() && ::strncasecmp(host.data(), kName.data(), kName.size()) == 0) return true;
  const auto address = parse_ip_address(host);
  if (!address) return false;
  if (address->family == AF_INET) return address->bytes[0] == 127;
  return address->bytes[15] == 1 &&
         std::all_of(address->bytes.begin(), address->bytes.end() - 1, [](auto b) { return b == 0; });
}

}  // namespace ride
