#include "common/setting_checks.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>

namespace ride {
namespace {

constexpr std::size_t kLongestPrefix = 64;
constexpr ByteSize kLeastMessage{64 << 10};
constexpr ByteSize kMostMessage{400 << 20};  // as kMaxMaxMessageBytes in broker-config/limits.h

Error wrong_broker(std::string_view text, const std::string& why) {
  return invalid_argument(
      fmt::format("'{}' does not name Kafka brokers: {}; write host:port, several separated by commas, for example "
                  "127.0.0.1:9092",
                  text, why));
}

bool is_port(std::string_view digits) {
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port >= 1 && port <= 65535;
}

// Why this one is no broker; empty: it is one.
std::string wrong_with(std::string_view broker) {
  if (const auto scheme = broker.find("://"); scheme != broker.npos) broker.remove_prefix(scheme + 3);
  if (broker.empty()) return "an address is empty";
  if (broker.find_first_of(" \t\r\n/@\\") != broker.npos) return fmt::format("'{}' is not an address", broker);
  const auto bracket = broker.rfind(']');
  if (broker.front() == '[' && bracket == broker.npos) return fmt::format("'{}' has no ']'", broker);
  const auto colon = broker.find(':', bracket == broker.npos ? 0 : bracket);
  if (colon == broker.npos) return {};
  if (colon == 0) return fmt::format("'{}' has no host", broker);
  const auto port = broker.substr(colon + 1);
  if (is_port(port)) return {};
  return port.find(':') != port.npos ? fmt::format("'{0}' has several colons (IPv6 is written [{0}])", broker)
                                     : fmt::format("'{}' is not a port from 1 to 65535", port);
}

}  // namespace

Result<void> check_brokers(std::string_view text) {
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    auto one = text.substr(start, end - start);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (const auto why = wrong_with(one); !why.empty()) return wrong_broker(text, why);
    start = end + 1;
  }
  return {};
}

Result<void> check_prefix(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  if (!text.empty() && text.size() <= kLongestPrefix && std::all_of(text.begin(), text.end(), fits) &&
      text.front() != '-' && text.front() != '_')
    return {};
  return invalid_argument(
      fmt::format("'{}' cannot begin the names of topics: use a-z, 0-9, '-' and '_', at most {}, the first a letter "
                  "or digit; for example lab",
                  text.substr(0, 2 * kLongestPrefix), kLongestPrefix));
}

Result<std::int64_t> size_between(std::string_view text, ByteSize least, ByteSize most) {
  RIDE_ASSIGN(const auto size, parse_byte_size(text));
  if (size >= least && size <= most) return size.bytes;
  return invalid_argument(
      fmt::format("'{}' is out of range: give {} to {}", text, format_byte_size(least), format_byte_size(most)));
}

Result<std::chrono::milliseconds> check_tick_interval(std::string_view text) {
  const auto interval = parse_duration(text);
  if (interval.ok() && interval->count() >= 10 && interval->count() <= 60'000) return *interval;
  return invalid_argument(fmt::format("'{}' is not an interval of ticks: give 10ms to 60s, for example 100ms", text));
}

Result<std::int64_t> check_max_message_bytes(std::string_view text) {
  return size_between(text, kLeastMessage, kMostMessage);
}

}  // namespace ride
