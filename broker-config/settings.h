// BrokerConfig: what differs between two of our brokers. render_settings() makes Kafka's properties file from it, each
// line with its reason. Pure: no files, no network, so the text is tested against golden files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker-config/limits.h"
#include "common/result.h"

namespace ride::broker {

// One controller of the cluster: "1@host:9093".
struct Voter {
  int id = 1;
  std::string host;
  int port = 0;

  bool operator==(const Voter&) const = default;
};

// "1@a:9093,2@b:9093,3@c:9093". invalid_argument: not of that form, an id or address twice.
Result<std::vector<Voter>> parse_quorum(std::string_view text);
std::string to_string(const std::vector<Voter>& quorum);

struct BrokerUser {
  std::string name, password;

  bool operator==(const BrokerUser&) const = default;
};

// Users, TLS and ACLs (`ride broker --sasl`). Files are PEM.
struct BrokerSecurity {
  std::string keystore;         // key and certificates that clients are shown
  std::string truststore;       // CA of the other nodes' keystores; empty: Java's own list
  std::string inside_keystore;  // of the nodes among each other; only who has this very certificate is one
  std::string inside_certificate;
  std::vector<BrokerUser> users;    // all
  BrokerUser own;                   // that the nodes log in to each other with
  std::vector<std::string> admins;  // other users that may do everything

  bool operator==(const BrokerSecurity&) const = default;
};

struct BrokerConfig {
  int node_id = 1;
  std::vector<Voter> quorum;       // all controllers; one: an embedded broker
  std::string host = "127.0.0.1";  // address to listen on
  std::string advertised_host;     // what clients are given; empty: host
  int port = 9092;
  std::string log_dir;  // absolute
  std::int64_t max_message_bytes = kDefaultMaxMessageBytes;
  std::optional<BrokerSecurity> security;  // absent: who reaches it may do everything

  bool operator==(const BrokerConfig&) const = default;
};

// "host:port"; an IPv6 address gets its brackets.
std::string host_and_port(const std::string& host, int port);

// Is this node one of the controllers? Others are brokers only.
const Voter* own_voter(const BrokerConfig& config);

// 1 for one node, 2 for two, else 3. Number of replicas that have to have a record before it is acknowledged: 2 of 3,
// else 1.
int replication_factor(const BrokerConfig& config);
int min_in_sync_replicas(const BrokerConfig& config);

// invalid_argument with cause and fix: sizes out of bounds, ports, an address that clients cannot use.
Result<void> check_config(const BrokerConfig& config);

// The text of server.properties; with security it holds a password. The config is one that check_config() accepts.
std::string render_settings(const BrokerConfig& config);

}  // namespace ride::broker
