#include "stream/kafka/secret_settings.h"

#include <algorithm>
#include <set>

#include "common/secret_file.h"

namespace ride::kafka {

namespace {

std::string key_of(const std::string& pair) {
  const auto key = pair.substr(0, pair.find('='));
  return key.substr(0, key.find_last_not_of(" \t") + 1);
}

bool is_secret(const std::string& pair) {
  static const std::set<std::string> names = {"sasl.password",           "ssl.key.password",
                                              "ssl.keystore.password",   "ssl.key.pem",
                                              "sasl.oauthbearer.config", "sasl.oauthbearer.client.secret"};
  return names.contains(key_of(pair));
}

}  // namespace

Result<void> check_secret_settings(const std::string& file, const std::vector<std::string>& in_file,
                                   const std::vector<std::string>& on_command_line) {
  if (const auto found = std::ranges::find_if(on_command_line, is_secret); found != on_command_line.end())
    return Error{ErrorCode::invalid_argument, "--kafka " + key_of(*found) +
                                                  " would show in every list of processes: write it into "
                                                  "a file with mode 600 and name that with --kafka-config"};
  if (std::ranges::none_of(in_file, is_secret)) return {};
  if (auto good = check_secret_file(file); !good.ok())
    return Error{good.error().code, "--kafka-config: " + good.error().message};
  return {};
}

bool logs_in(const std::map<std::string, std::string>& settings) {
  return std::ranges::any_of(settings, [](const auto& one) { return one.first.starts_with("sasl."); });
}

}  // namespace ride::kafka
