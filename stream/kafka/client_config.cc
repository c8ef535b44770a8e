#include "stream/kafka/client_config.h"

#include <algorithm>
#include <set>

#include "stream/kafka/settings_file.h"

namespace ride::kafka {

namespace {

// Settings that the delivery guarantees hang on; RIDE sets them itself.
const std::set<std::string>& own_settings() {
  static const std::set<std::string> names = {"bootstrap.servers",
                                              "metadata.broker.list",
                                              "group.id",
                                              "enable.idempotence",
                                              "enable.gapless.guarantee",
                                              "acks",
                                              "request.required.acks",
                                              "message.timeout.ms",
                                              "delivery.timeout.ms",
                                              "transactional.id",
                                              "enable.auto.commit",
                                              "enable.auto.offset.store",
                                              "auto.offset.reset",
                                              "compression.codec",
                                              "compression.type",
                                              "max.in.flight",
                                              "max.in.flight.requests.per.connection",
                                              "message.max.bytes",
                                              "partition.assignment.strategy"};
  return names;
}

}  // namespace

Result<std::map<std::string, std::string>> parse_client_settings(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> settings;
  for (const auto& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{ErrorCode::invalid_argument,
                   "Kafka setting '" + pair + "' is not key=value, for example security.protocol=SASL_SSL"};
    const auto key = pair.substr(0, equals);
    if (own_settings().contains(key))
      return Error{ErrorCode::invalid_argument,
                   "Kafka setting '" + key +
                       "' is RIDE's own: frames would be lost or doubled with another value; leave it out"};
    settings[key] = pair.substr(equals + 1);
  }
  return settings;
}

std::vector<std::string> lines_of_settings(const std::string& text) {
  constexpr const char* kBlank = " \t\r";
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    const auto line = text.substr(start, end - start);
    start = end + 1;
    const auto begin = line.find_first_not_of(kBlank);
    if (begin == std::string::npos || line[begin] == '#') continue;
    lines.push_back(line.substr(begin, line.find_last_not_of(kBlank) - begin + 1));
  }
  return lines;
}

}  // namespace ride::kafka
