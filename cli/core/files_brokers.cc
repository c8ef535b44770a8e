#include "cli/core/files_brokers.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/host_port.h"
#include "common/ip_address.h"

namespace ride::cli {
namespace {

std::string without_scheme(const std::string& address) {
  const auto begin = address.find("://");
  const auto rest = begin == std::string::npos ? address : address.substr(begin + 3);
  return rest.substr(0, rest.find('/'));
}

bool is_on_loopback(const std::string& address) {
  const auto authority = without_scheme(address);
  const auto parsed = parse_host_port(authority);
  return is_loopback_host(parsed ? parsed->host : authority);
}

bool are_on_loopback(const std::string& brokers) {
  for (std::size_t begin = 0; begin <= brokers.size();) {
    const auto end = std::min(brokers.find(',', begin), brokers.size());
    if (!is_on_loopback(brokers.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace

Result<std::string> brokers_for_files(const FilesBrokers& asked) {
  if (!asked.named.empty()) return asked.named;
  if (!asked.credentials.empty())
    return invalid_argument(fmt::format(
        "the files go to Kafka, and the user and password of {} go only to brokers that you name, not to those that "
        "the master at {} names ({}): add --brokers {} if these are yours",
        asked.credentials, asked.master, asked.told, asked.told));
  if (are_on_loopback(asked.told) && !is_on_loopback(asked.master))
    return invalid_argument(fmt::format(
        "the files go to Kafka, and the master at {} reaches its brokers as {}: name them with --brokers as this "
        "machine reaches them",
        asked.master, asked.told));
  return asked.told;
}

}  // namespace ride::cli
