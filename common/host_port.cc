#include "common/host_port.h"

#include <charconv>

namespace ride {

std::optional<HostPort> parse_host_port(std::string_view text) {
  constexpr std::size_t kMostDigits = 5;
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > kMostDigits || digits.find_first_not_of("0123456789") != digits.npos)
    return std::nullopt;
  HostPort address;
  std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (address.port > 65535) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  address.host = host;
  return address;
}

std::string to_string(const HostPort& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace ride
