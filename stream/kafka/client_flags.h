// The command-line flags by which every program reaches Kafka: --brokers, --prefix, --kafka, --kafka-config,
// --max-message-bytes. Declared once here. Threads: none.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "common/file_text.h"
#include "common/setting_checks.h"
#include "stream/kafka/client_config.h"
#include "stream/kafka/secret_settings.h"
#include "stream/kafka/settings_file.h"

namespace ride::kafka {

class ClientFlags {
 public:
  explicit ClientFlags(CLI::App& app) {
    app.add_option("--brokers", brokers_, "Kafka brokers, host:port[,host:port]")
        ->default_val("127.0.0.1:9092")
        ->envname("RIDE_BROKERS");
    app.add_option("--prefix", prefix_, "Prefix of RIDE's topics and groups: separates installations on one cluster")
        ->default_val("ride")
        ->envname("RIDE_PREFIX");
    app.add_option("--kafka", pairs_,
                   "A librdkafka setting to pass through, key=value (security.protocol, sasl.*, ssl.*); repeatable");
    app.add_option("--kafka-config", file_,
                   "A file of such settings, one key=value a line, # comments (keeps secrets off the "
                   "command line)")
        ->envname("RIDE_KAFKA_CONFIG");
    app.add_option("--max-message-bytes", max_message_, "Largest Kafka message of the cluster")->default_val("16MiB");
  }

  // Every error names the flag.
  Result<ClientConfig> config(const std::string& client_id) const {
    if (auto fits = check_brokers(brokers_); !fits.ok()) return of_flag("--brokers", fits.error());
    if (auto fits = check_prefix(prefix_); !fits.ok()) return of_flag("--prefix", fits.error());
    const auto size = check_max_message_bytes(max_message_);
    if (!size.ok()) return of_flag("--max-message-bytes", size.error());
    auto pairs = pairs_;
    if (!file_.empty()) {
      const auto text = read_named_file(file_, {.patience = std::chrono::seconds(10)});
      if (!text.ok()) return of_flag("--kafka-config", text.error());
      const auto lines = lines_of_settings(*text);
      pairs.insert(pairs.end(), lines.begin(), lines.end());
    }
    const std::vector<std::string> in_file(pairs.begin() + static_cast<std::ptrdiff_t>(pairs_.size()), pairs.end());
    RIDE_TRY(check_secret_settings(file_, in_file, pairs_));
    RIDE_ASSIGN(auto extra, parse_client_settings(pairs));
    return ClientConfig{brokers_, extra, *size, client_id};
  }
  const std::string& prefix() const { return prefix_; }

  // The same flags for a child process; what stands in the file stays there. `file`: another one, of the child's own
  // user.
  std::vector<std::string> arguments(const std::string& file = {}) const {
    std::vector<std::string> out{"--brokers", brokers_, "--prefix", prefix_, "--max-message-bytes", max_message_};
    if (!file.empty() || !file_.empty()) out.insert(out.end(), {"--kafka-config", file.empty() ? file_ : file});
    for (const auto& pair : pairs_) out.insert(out.end(), {"--kafka", pair});
    return out;
  }

 private:
  static Error of_flag(const char* flag, const Error& error) {
    return {ErrorCode::invalid_argument, std::string(flag) + ": " + error.message};
  }

  std::string brokers_, prefix_, file_, max_message_;
  std::vector<std::string> pairs_;
};

}  // namespace ride::kafka
