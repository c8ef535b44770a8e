// `ride broker`: one broker in the foreground. The command line fills BrokerOptions from its flags, which are declared
// here once. Threads: run_broker() blocks the thread that calls it; the stop token may be used from any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "broker-config/limits.h"
#include "common/param.h"
#include "common/result.h"

namespace ride::broker {

struct BrokerOptions {
  int id = 1;
  std::string quorum;  // "1@a:9093,2@b:9093,3@c:9093"; empty: this node alone
  std::filesystem::path data = ".ride/broker";
  std::string host = "127.0.0.1";
  std::string advertised_host;
  int port = 9092;  // 0: a free one, printed
  std::int64_t max_message_bytes = kDefaultMaxMessageBytes;
  std::int64_t heap_bytes = 0;
  std::string cluster_id;
  bool quick_start = false;
  bool print_config = false;   // print the settings file and end
  std::filesystem::path sasl;  // with users and TLS: their folder (secure_folder.h)
  std::string prefix = "ride";
  std::filesystem::path tls_certificate, tls_key, tls_ca;
  // With --sasl: the users that get a password, and what writes their rights once the broker answers (it knows no Kafka
  // client).
  std::vector<std::string> users;
  std::string mechanism = "PLAIN";  // that our clients log in with
  std::function<Result<void>(const std::string& bootstrap, const std::filesystem::path& admin)> give_rights;
};

// The flags: id, quorum, data, host, advertised-host, port, max-message-bytes, heap, cluster-id, quick-start,
// print-config, sasl, prefix, tls-cert, tls-key, tls-ca.
const std::vector<ParamSpec>& broker_params();
// From values that check_params() accepted. invalid_argument: a size or quorum that cannot be read.
Result<BrokerOptions> broker_options(const ParamValues& values);

// Runs until stopped, then ends the broker cleanly; lines for people ("broker ready on 127.0.0.1:9092") go to `print`.
// The broker ends with this process, however that ends. Error: it did not start, or it ended by itself.
// A request of `hurry` ends the patience with its clean end.
Result<void> run_broker(const BrokerOptions& options, std::stop_token stop,
                        const std::function<void(const std::string&)>& print, std::stop_token hurry = {});
// Prints to standard output.
Result<void> run_broker(const BrokerOptions& options, std::stop_token stop, std::stop_token hurry = {});

}  // namespace ride::broker
