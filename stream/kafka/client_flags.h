// The command-line flags by which every program reaches Kafka: --brokers, --prefix, --kafka, --kafka-config,
// --max-message-bytes. Declared once here. Threads: none.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include "common/units.h"
#include "stream/kafka/client_config.h"
#include "stream/kafka/secret_settings.h"

namespace ride::kafka {

inline std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

class ClientFlags {
 public:
  explicit ClientFlags(CLI::App& app) {
    app.add_option("--brokers", brokers_, "Kafka brokers, host:port[,host:port]")
        ->default_val("127.0.0.1:9092")->envname("RIDE_BROKERS");
    app.add_option("--prefix", prefix_, "Prefix of RIDE's topics and groups: separates installations on one cluster")
        ->default_val("ride")->envname("RIDE_PREFIX");
    app.add_option("--kafka", pairs_, "A librdkafka setting to pass through, key=value (security.protocol, sasl.*, ssl.*); repeatable");
    app.add_option("--kafka-config", file_, "A file of such settings, one key=value a line, # comments (keeps secrets off the "
                                            "command line)")->envname("RIDE_KAFKA_CONFIG");
    app.add_option("--max-message-bytes", max_message_, "Largest Kafka message of the cluster")->default_val("16MiB");
  }

  Result<ClientConfig> config(const std::string& client_id) const {
    if (auto fits = check_prefix(); !fits.ok()) return fits.error();
    auto pairs = pairs_;
    if (!file_.empty()) {
      std::ifstream in(file_);
      if (!in) return Error{ErrorCode::not_found, "cannot read " + file_ + " (--kafka-config)"};
      for (std::string line; std::getline(in, line);) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string::npos || line[begin] == '#') continue;
        pairs.push_back(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1));
      }
    }
    const std::vector<std::string> in_file(pairs.begin() + static_cast<std::ptrdiff_t>(pairs_.size()), pairs.end());
    if (auto safe = check_secret_settings(file_, in_file, pairs_); !safe.ok()) return safe.error();
    auto extra = parse_client_settings(pairs);
    if (!extra.ok()) return extra.error();
    auto size = parse_byte_size(max_message_);
    if (!size.ok()) return size.error();
    if (size->bytes < (64 << 10)) return Error{ErrorCode::invalid_argument, "--max-message-bytes must be at least 64KiB"};
    return ClientConfig{brokers_, *extra, size->bytes, client_id};
  }
  const std::string& prefix() const { return prefix_; }

  // The same flags for a child process; what stands in the file stays there. `file`: another one, of the child's own user.
  std::vector<std::string> arguments(const std::string& file = {}) const {
    std::vector<std::string> out{"--brokers", brokers_, "--prefix", prefix_, "--max-message-bytes", max_message_};
    if (!file.empty() || !file_.empty()) out.insert(out.end(), {"--kafka-config", file.empty() ? file_ : file});
    for (const auto& pair : pairs_) out.insert(out.end(), {"--kafka", pair});
    return out;
  }

 private:
  // It begins the names of topics and groups, and a dot ends it there.
  Result<void> check_prefix() const {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    if (!prefix_.empty() && prefix_.size() <= 64 && std::all_of(prefix_.begin(), prefix_.end(), fits) &&
        prefix_.front() != '-' && prefix_.front() != '_')
      return {};
    return Error{ErrorCode::invalid_argument, "--prefix '" + prefix_ + "' cannot begin the names of topics: use a-z, 0-9, '-' and "
                                              "'_', at most 64, the first a letter or digit; for example --prefix lab"};
  }

  std::string brokers_, prefix_, file_, max_message_;
  std::vector<std::string> pairs_;
};

}  // namespace ride::kafka
