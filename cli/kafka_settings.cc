#include "cli/kafka_settings.h"

#include <spdlog/fmt/fmt.h>

#include "cli/command.h"
#include "common/units.h"
#include "stream/kafka/secret_settings.h"

namespace ride::cli {

Result<kafka::ClientConfig> kafka_config(const Settings& settings) {
  return kafka_config(settings, settings.text("brokers"));
}

Result<kafka::ClientConfig> kafka_config(const Settings& settings, const std::string& brokers) {
  kafka::ClientConfig config{.brokers = brokers, .extra = {}, .client_id = "ride"};
  const auto largest = parse_byte_size(settings.text("max-message-bytes"));
  if (!largest.ok()) return Error{ErrorCode::invalid_argument, "max-message-bytes: " + largest.error().message};
  config.max_message_bytes = largest->bytes;
  if (settings.text("kafka-config").empty()) return config;
  auto extra = load_kafka_config(settings.text("kafka-config"));
  if (!extra.ok()) return extra.error();
  config.extra = std::move(*extra);
  return config;
}

Result<std::map<std::string, std::string>> load_kafka_config(const std::string& file) {
  auto text = read_file(file);
  if (!text.ok()) return Error{ErrorCode::invalid_argument, text.error().message + " (kafka-config)"};
  std::vector<std::string> pairs;
  std::string line;
  for (const char c : *text + "\n") {
    if (c != '\n' && c != '\r') {
      line += c;
      continue;
    }
    const auto begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos && line[begin] != '#')
      pairs.push_back(line.substr(begin, line.find_last_not_of(" \t") - begin + 1));
    line.clear();
  }
  if (auto safe = kafka::check_secret_settings(file, pairs, {}); !safe.ok()) return safe.error();
  auto extra = kafka::parse_client_settings(pairs);
  if (!extra.ok()) return Error{ErrorCode::invalid_argument, file + ": " + extra.error().message};
  return extra;
}

std::vector<std::string> kafka_arguments(const Settings& settings, const std::string& brokers,
                                         const std::string& prefix) {
  std::vector<std::string> arguments = {
      "--brokers", brokers, "--prefix", prefix, "--max-message-bytes", settings.text("max-message-bytes")};
  if (!settings.text("kafka-config").empty()) {
    arguments.push_back("--kafka-config");
    arguments.push_back(settings.text("kafka-config"));
  }
  return arguments;
}

}  // namespace ride::cli
