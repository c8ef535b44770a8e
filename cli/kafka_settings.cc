#include "cli/kafka_settings.h"

#include "cli/command.h"
#include "common/file_text.h"
#include "common/setting_checks.h"
#include "stream/kafka/secret_settings.h"
#include "stream/kafka/settings_file.h"

namespace ride::cli {

Result<kafka::ClientConfig> kafka_config(const Settings& settings) {
  return kafka_config(settings, settings.text("brokers"));
}

Result<kafka::ClientConfig> kafka_config(const Settings& settings, const std::string& brokers) {
  kafka::ClientConfig config{.brokers = brokers, .extra = {}, .client_id = "ride"};
  const auto largest = check_max_message_bytes(settings.text("max-message-bytes"));
  if (!largest.ok()) return Error{ErrorCode::invalid_argument, "max-message-bytes: " + largest.error().message};
  config.max_message_bytes = *largest;
  if (settings.text("kafka-config").empty()) return config;
  RIDE_ASSIGN(auto extra, load_kafka_config(settings.text("kafka-config")));
  config.extra = std::move(extra);
  return config;
}

Result<std::map<std::string, std::string>> load_kafka_config(const std::string& file) {
  const auto text = read_named_file(file, {.patience = std::chrono::seconds(10)});
  if (!text.ok()) return Error{ErrorCode::invalid_argument, text.error().message + " (kafka-config)"};
  const auto pairs = kafka::lines_of_settings(*text);
  RIDE_TRY(kafka::check_secret_settings(file, pairs, {}));
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
