#include "broker-config/settings.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace ride::broker {
namespace {

std::optional<int> parse_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error bad_quorum(std::string_view text, std::string_view why) {
  return {ErrorCode::invalid_argument,
          fmt::format("quorum '{}': {}. Write it as id@host:port, separated by commas: 1@a:9093,2@b:9093,3@c:9093",
                      text, why)};
}

std::optional<Voter> parse_voter(std::string_view item) {
  const auto at = item.find('@');
  const auto colon = item.rfind(':');
  if (at == item.npos || colon == item.npos || colon < at) return std::nullopt;
  const auto id = parse_int(item.substr(0, at));
  const auto port = parse_int(item.substr(colon + 1));
  const auto host = item.substr(at + 1, colon - at - 1);
  if (!id || !port || host.empty() || *id < 0 || *port < 1 || *port > 65535) return std::nullopt;
  return Voter{*id, std::string(host), *port};
}

// Java reads properties as Latin-1 with escapes: other characters of a path become \uXXXX (UTF-16).
std::string escape_property(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t point = length == 1 ? lead : lead & (0xFF >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k) {
      point = (point << 6) | (static_cast<unsigned char>(utf8[i + k]) & 0x3F);
    }
    i += length;
    if (point < 0x80) {
      if (point == '\\') out += '\\';
      out += static_cast<char>(point);
    } else if (point < 0x10000) {
      out += fmt::format("\\u{:04x}", point);
    } else {
      point -= 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (point >> 10), 0xDC00 + (point & 0x3FF));
    }
  }
  return out;
}

// Lines of the file with the reasons that they have.
class Properties {
 public:
  void because(std::string_view reason) { text_ += fmt::format("\n# {}\n", reason); }
  template <class Value>
  void set(std::string_view name, const Value& value) {
    text_ += fmt::format("{}={}\n", name, value);
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_ = "# Made by ride from broker-config/settings.cc at every start; changes here are lost.\n";
};

void identity(const BrokerConfig& config, Properties& out) {
  const Voter* voter = own_voter(config);
  out.because("Who this node is: KRaft, no ZooKeeper; the nodes of the quorum are controller and broker at once.");
  out.set("node.id", config.node_id);
  out.set("process.roles", voter ? "broker,controller" : "broker");
  out.set("controller.quorum.voters", to_string(config.quorum));
  out.set("log.dirs", escape_property(config.log_dir));

  out.because("Where it listens. Controllers need a port that the others know, so it is never 0.");
  const std::string clients = "CLIENTS://" + host_and_port(config.host, config.port);
  // A controller that is alone talks to nobody else, so it listens where only this machine reaches it.
  const std::string& inside = config.quorum.size() == 1 ? config.quorum.front().host : config.host;
  const std::string controller = voter ? ",CONTROLLER://" + host_and_port(inside, voter->port) : "";
  const std::string& advertised = config.advertised_host.empty() ? config.host : config.advertised_host;
  out.set("listeners", clients + controller);
  out.set("advertised.listeners", "CLIENTS://" + host_and_port(advertised, config.port));
  out.set("listener.security.protocol.map",
          config.security ? "CLIENTS:SASL_SSL,CONTROLLER:SSL" : "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT");
  out.set("inter.broker.listener.name", "CLIENTS");
  out.set("controller.listener.names", "CONTROLLER");
}

void pem_store(const std::string& listener, const char* store, const std::string& file, Properties& out) {
  const auto name = fmt::format("listener.name.{}.ssl.{}", listener, store);
  out.set(name + ".type", "PEM");
  out.set(name + ".location", escape_property(file));
}

void security(const BrokerConfig& config, Properties& out) {
  if (!config.security) return;
  const BrokerSecurity& own = *config.security;
  out.because(
      "Clients, and nodes where they copy records: TLS, and a user with a password. SCRAM's stand in the log of "
      "metadata; PLAIN is "
      "for librdkafka below 2.6.1, whose SCRAM Kafka 4 refuses.");
  pem_store("clients", "keystore", own.keystore, out);
  if (!own.truststore.empty()) pem_store("clients", "truststore", own.truststore, out);
  out.set("sasl.enabled.mechanisms", "SCRAM-SHA-512,PLAIN");
  out.set("sasl.mechanism.inter.broker.protocol", "SCRAM-SHA-512");
  out.set(
      "listener.name.clients.scram-sha-512.sasl.jaas.config",
      fmt::format("org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{}\" password=\"{}\";",
                  own.own.name, own.own.password));
  std::string plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  for (const auto& user : own.users) plain += fmt::format(" user_{}=\"{}\"", user.name, user.password);
  out.set("listener.name.clients.plain.sasl.jaas.config", plain + ";");

  out.because("Controllers: both sides show the one certificate that all nodes share; its name is no host's.");
  pem_store("controller", "keystore", own.inside_keystore, out);
  pem_store("controller", "truststore", own.inside_certificate, out);
  out.set("listener.name.controller.ssl.client.auth", "required");
  out.set("listener.name.controller.ssl.endpoint.identification.algorithm", "");

  out.because("Who may do what: what no ACL allows is refused (ride acls). These may do everything.");
  out.set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
  out.set("allow.everyone.if.no.acl.found", "false");
  std::string users = fmt::format("User:CN={0};User:{0}", own.own.name);
  for (const auto& admin : own.admins) users += ";User:" + admin;
  out.set("super.users", users);
}

void size_limits(const BrokerConfig& config, Properties& out) {
  const std::int64_t largest = config.max_message_bytes;
  const std::int64_t response = fetch_response_bytes(largest);
  out.because(
      "Sizes: all derive from max_message_bytes, since one that is smaller would stop the largest frames half way.");
  out.set("message.max.bytes", largest);
  out.set("replica.fetch.max.bytes", largest);
  out.set("replica.fetch.response.max.bytes", response);
  out.set("fetch.max.bytes", std::max<std::int64_t>(57671680, response));
  out.set("socket.request.max.bytes", std::max<std::int64_t>(104857600, response));

  out.because("The commit's metadata carries watermarks and counters; Kafka's own limit is 4096 bytes.");
  out.set("offset.metadata.max.bytes", kOffsetMetadataMaxBytes);
}

void safety(const BrokerConfig& config, Properties& out) {
  const int replicas = replication_factor(config);
  const int in_sync = min_in_sync_replicas(config);
  out.because(
      "Copies: a record is acknowledged when this many nodes hold it, and no node that missed some becomes leader.");
  out.set("default.replication.factor", replicas);
  out.set("min.insync.replicas", in_sync);
  out.set("unclean.leader.election.enable", "false");

  out.because("Kafka's internal topics: as safe as ours; few partitions, since each costs start and failover time.");
  const int partitions = config.quorum.size() == 1 ? 4 : 12;
  out.set("offsets.topic.num.partitions", partitions);
  out.set("offsets.topic.replication.factor", replicas);
  out.set("transaction.state.log.num.partitions", partitions);
  out.set("transaction.state.log.replication.factor", replicas);
  out.set("transaction.state.log.min.isr", in_sync);
  out.set("share.coordinator.state.topic.num.partitions", partitions);
  out.set("share.coordinator.state.topic.replication.factor", replicas);
  out.set("share.coordinator.state.topic.min.isr", in_sync);

  out.because("A name with a typing error must be an error, not a new topic with default settings.");
  out.set("auto.create.topics.enable", "false");

  out.because(
      "Nobody subscribes with our groups, so their offsets would expire a week after the last commit; keep a year.");
  out.set("offsets.retention.minutes", 525600);
}

void latency(Properties& out) {
  out.because("A commit does not wait for company: 1.6 ms instead of 5.9 ms.");
  out.set("group.coordinator.append.linger.ms", 0);
  out.set("group.initial.rebalance.delay.ms", 0);
}

void disk(Properties& out) {
  out.because("What was read and deleted gives its disk back within seconds; by default after up to 6 minutes.");
  out.set("log.retention.check.interval.ms", 5000);
  out.set("log.segment.delete.delay.ms", 1000);

  out.because("Only small internal topics are compacted: the cleaner does not need 128 MB of heap.");
  out.set("log.cleaner.dedupe.buffer.size", 33554432);
}

void failure(const BrokerConfig& config, Properties& out) {
  const bool alone = config.quorum.size() == 1;
  if (alone) {
    out.because(
        "Nobody can take over: only a restart after kill -9 waits for the old session, and a stalled machine is "
        "forgiven.");
    out.set("broker.heartbeat.interval.ms", 200);
    out.set("broker.session.timeout.ms", 2000);
  } else {
    out.because("A lost broker is replaced in 1.0 to 2.5 s (500 ms of session was no better).");
    out.set("broker.heartbeat.interval.ms", 200);
    out.set("broker.session.timeout.ms", 1000);
    out.set("controller.quorum.election.timeout.ms", 300);
    out.set("controller.quorum.election.backoff.max.ms", 300);
    out.set("controller.quorum.fetch.timeout.ms", 600);
    out.set("controller.quorum.request.timeout.ms", 600);
    out.set("replica.fetch.backoff.ms", 100);

    out.because("A broker that comes back gets its leaders back soon; by default after 5 minutes.");
    out.set("auto.leader.rebalance.enable", "true");
    out.set("leader.imbalance.check.interval.seconds", 5);
  }
}

}  // namespace

Result<std::vector<Voter>> parse_quorum(std::string_view text) {
  std::vector<Voter> voters;
  std::set<int> ids;
  std::set<std::pair<std::string, int>> places;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    const auto item = text.substr(start, end - start);
    const auto voter = parse_voter(item);
    if (!voter) return bad_quorum(text, fmt::format("'{}' is not a node", item));
    if (!ids.insert(voter->id).second) return bad_quorum(text, fmt::format("node {} is named twice", voter->id));
    if (!places.insert({voter->host, voter->port}).second) {
      return bad_quorum(text, fmt::format("two nodes share {}:{}", voter->host, voter->port));
    }
    voters.push_back(*voter);
    start = end + 1;
  }
  return voters;
}

std::string to_string(const std::vector<Voter>& quorum) {
  std::string text;
  for (const Voter& voter : quorum) {
    text += fmt::format("{}{}@{}", text.empty() ? "" : ",", voter.id, host_and_port(voter.host, voter.port));
  }
  return text;
}

std::string host_and_port(const std::string& host, int port) {
  const bool bare_ipv6 = host.find(':') != host.npos && !host.starts_with('[');
  return fmt::format("{}{}{}:{}", bare_ipv6 ? "[" : "", host, bare_ipv6 ? "]" : "", port);
}

const Voter* own_voter(const BrokerConfig& config) {
  const auto found = std::ranges::find(config.quorum, config.node_id, &Voter::id);
  return found == config.quorum.end() ? nullptr : &*found;
}

int replication_factor(const BrokerConfig& config) {
  return static_cast<int>(std::clamp<std::size_t>(config.quorum.size(), 1, 3));
}

int min_in_sync_replicas(const BrokerConfig& config) { return replication_factor(config) == 3 ? 2 : 1; }

Result<void> check_config(const BrokerConfig& config) {
  const auto wrong = [](std::string message) { return Error{ErrorCode::invalid_argument, std::move(message)}; };
  if (config.max_message_bytes < kMinMaxMessageBytes || config.max_message_bytes > kMaxMaxMessageBytes) {
    return wrong(fmt::format(
        "max_message_bytes is {}: it has to be between {} (1 MiB) and {} (400 MiB). Larger frames are cut into "
        "chunks anyway",
        config.max_message_bytes, kMinMaxMessageBytes, kMaxMaxMessageBytes));
  }
  if (config.port < 1 || config.port > 65535) {
    return wrong(fmt::format("{} is not a port: give one between 1 and 65535, or 0 for a free one", config.port));
  }
  if (config.node_id < 0) return wrong(fmt::format("node id {} is negative: give 0 or more", config.node_id));
  if (config.quorum.empty()) return wrong("the quorum is empty: name at least one controller, id@host:port");
  const bool everywhere = config.host == "0.0.0.0" || config.host == "::" || config.host.empty();
  if (everywhere && config.advertised_host.empty()) {
    return wrong(
        "a broker that listens on all addresses has to advertise one of them to clients: give --advertised-host NAME "
        "as well");
  }
  if (const Voter* voter = own_voter(config); voter && voter->port == config.port) {
    return wrong(fmt::format("port {} is given to clients and to the controller: choose two", config.port));
  }
  if (config.log_dir.find_first_of(",\n") != std::string::npos) {
    return wrong(
        fmt::format("the data folder's name '{}' holds a comma or a line break, which Kafka's settings cannot carry: "
                    "choose another folder",
                    config.log_dir));
  }
  return {};
}

std::string render_settings(const BrokerConfig& config) {
  Properties out;
  identity(config, out);
  security(config, out);
  size_limits(config, out);
  safety(config, out);
  latency(out);
  disk(out);
  failure(config, out);
  return std::move(out).text();
}

}  // namespace ride::broker
