#include "stream/kafka/handle.h"

#include <array>
#include <string_view>

#include "broker-config/limits.h"
#include "common/guarded_thread.h"
#include "common/log.h"
#include "stream/kafka/leader_hunt.h"
#include "stream/kafka/refusal.h"

namespace ride::kafka {

namespace {

// What librdkafka says of a connection that fails comes back to us as an error, and is logged once, with its cause and
// what to do: its own lines are for RIDE_LOG=debug. Its emergencies are ours, too.
void log_callback(const rd_kafka_t*, int level, const char*, const char* text) {
  constexpr int kCritical = 2;  // syslog's LOG_CRIT
  if (level <= kCritical)
    log_warning("kafka: {}", text);
  else
    log_debug("kafka: {}", text);
}

void error_callback(rd_kafka_t* client, int code, const char* reason, void*) {
  run_guarded(
      "a connection's error",
      [&] {
        note_connection_error(client, static_cast<rd_kafka_resp_err_t>(code), reason);
        hunt_for_leaders(client, static_cast<rd_kafka_resp_err_t>(code));
      },
      [](const Error& error) { log_warning("{}", error.message); });
}

// A fatal error of a producer names what caused it in its text alone.
const char* advice(rd_kafka_resp_err_t code, const std::string& what) {
  constexpr auto kTimestamp = RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
  if (code != kTimestamp && what.find(rd_kafka_err2str(kTimestamp)) == std::string::npos) return "";
  return ". This machine's clock and the broker's differ by more than the topic allows (ahead: "
         "message.timestamp.after.max.ms, an hour unless set): set the clock right (`timedatectl`, `chronyc "
         "makestep`), or "
         "let the broker stamp the records of this topic (kafka-configs.sh --alter --add-config "
         "message.timestamp.type=LogAppendTime, as RIDE's own topics have it)";
}

}  // namespace

std::string user_of(rd_kafka_t* client) {
  std::array<char, 256> name{};
  std::size_t size = name.size();
  const auto* conf = rd_kafka_conf(client);
  if (rd_kafka_conf_get(conf, "sasl.username", name.data(), &size) != RD_KAFKA_CONF_OK || name[0] == 0)
    return "a client without a user (no sasl.username)";
  return std::string("user '") + name.data() + "'";
}

Error to_error(rd_kafka_resp_err_t code, const std::string& what, rd_kafka_t* client) {
  ErrorCode kind = ErrorCode::internal;
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      kind = ErrorCode::not_found;
      break;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      kind = ErrorCode::already_exists;
      break;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      kind = ErrorCode::corrupt;
      break;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      kind = ErrorCode::timeout;
      break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      kind = ErrorCode::unavailable;
      break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return {ErrorCode::permission,
              what + ": not authorised" + (client == nullptr ? "" : " as " + user_of(client)) + " (" +
                  rd_kafka_err2name(code) + "): `ride acls` prints the rights that each user needs (docs/security.md)",
              false};
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      kind = ErrorCode::permission;
      break;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
      kind = ErrorCode::resource_exhausted;
      break;
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:  // its name
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      kind = ErrorCode::invalid_argument;
      break;
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:  // never more than there are brokers: some are away
      kind = ErrorCode::unavailable;
      break;
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      kind = ErrorCode::unsupported;
      break;
    default:
      break;
  }
  return Error{kind, what + ": " + rd_kafka_err2str(code) + advice(code, what), is_retriable(code)};
}

bool is_retriable(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      return true;
    default:
      return false;
  }
}

Result<Conf> make_conf(const ClientConfig& config, const Settings& settings) {
  Conf conf(rd_kafka_conf_new());
  std::array<char, 512> why{};
  const auto set = [&](const std::string& name, const std::string& value) -> Result<void> {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
      return Error{ErrorCode::invalid_argument, "Kafka setting " + name + ": " + why.data()};
    return {};
  };
  // Quick failure and quick return: a broker that restarts is found again within 200 ms (decision 0039).
  const Settings shared = {{"bootstrap.servers", config.brokers},
                           {"client.id", config.client_id},
                           {"socket.nagle.disable", "true"},
                           {"socket.keepalive.enable", "true"},
                           {"reconnect.backoff.ms", "20"},
                           {"reconnect.backoff.max.ms", "200"},
                           {"retry.backoff.ms", "5"},
                           {"topic.metadata.refresh.fast.interval.ms", "20"},
                           // A broker that is killed closes its connections, which shows at once. One that hangs or is
                           // cut off shows nothing: a request would wait for it for a minute, and nobody would ask who
                           // leads now. Below the 10 s after which a worker without an acknowledged heartbeat gives up.
                           {"topic.metadata.refresh.interval.ms", "2000"},
                           {"socket.timeout.ms", "5000"},
                           {"socket.connection.setup.timeout.ms", "3000"},
                           {"broker.address.ttl", "1000"},
                           {"log.connection.close", "false"}};
  for (const auto* group : {&shared, &settings})
    for (const auto& [name, value] : *group) RIDE_TRY(set(name, value));
  for (const auto& [name, value] : config.extra) RIDE_TRY(set(name, value));
  rd_kafka_conf_set_log_cb(conf.get(), log_callback);
  rd_kafka_conf_set_error_cb(conf.get(), error_callback);
  return conf;
}

Result<Client> make_client(rd_kafka_type_t type, Conf conf) {
  std::array<char, 512> why{};
  rd_kafka_t* handle = rd_kafka_new(type, conf.get(), why.data(), why.size());
  if (handle == nullptr) return Error{ErrorCode::internal, std::string("cannot make a Kafka client: ") + why.data()};
  static_cast<void>(conf.release());  // owned by the handle now
  if (type == RD_KAFKA_CONSUMER) {
    rd_kafka_poll_set_consumer(handle);
    return Client(handle, [](rd_kafka_t* one) {
      end_hunt(one);
      forget_connection_errors(one);
      rd_kafka_destroy_flags(one, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    });
  }
  return Client(handle, [](rd_kafka_t* one) {
    rd_kafka_purge(one, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(one, 0);
    end_hunt(one);  // after the last error that it can be given
    forget_connection_errors(one);
    rd_kafka_destroy(one);
  });
}

Result<void> learn_topic(const Client& client, const std::string& topic) {
  constexpr int kTimeoutMs = 5000;
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client.get(), topic.c_str(), nullptr);
  if (handle == nullptr) return to_error(rd_kafka_last_error(), "topic " + topic);
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto code = rd_kafka_metadata(client.get(), 0, handle, &metadata, kTimeoutMs);
  rd_kafka_topic_destroy(handle);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "cannot learn the leaders of topic " + topic, client.get());
  const auto error = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  rd_kafka_metadata_destroy(metadata);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(error, "topic " + topic, client.get());
  return {};
}

Settings consumer_settings(std::int64_t max_message_bytes, std::int64_t prefetch_kbytes) {
  Settings settings = {
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},  // the default silently skips to the end
      {"enable.partition.eof", "false"},
      {"fetch.min.bytes", "1"},
      {"fetch.error.backoff.ms", "10"},
      // When it is full, 2.0.2 looks again up to a second later: whoever reads wakes it (core/fetch_wake.h).
      {"queued.max.messages.kbytes", std::to_string(prefetch_kbytes)},
      {"check.crcs", "false"},  // the broker checks on write; TCP and the disk do the rest
      {"allow.auto.create.topics", "false"}};
  for (const auto& [name, value] : broker::consumer_limits(max_message_bytes)) settings.emplace_back(name, value);
  return settings;
}

Settings producer_settings(std::int64_t max_message_bytes, std::int64_t queue_kbytes) {
  Settings settings = {{"enable.idempotence", "true"},
                       {"enable.gapless.guarantee", "true"},  // without: a failed delivery is followed by later records
                       {"linger.ms", "0"},
                       {"message.timeout.ms", "0"},  // a record dropped in the middle is a gap
                       {"queue.buffering.max.kbytes", std::to_string(queue_kbytes)},
                       {"queue.buffering.max.messages", "100000"},
                       {"compression.codec", "none"}};
  for (const auto& [name, value] : broker::producer_limits(max_message_bytes)) settings.emplace_back(name, value);
  return settings;
}

}  // namespace ride::kafka
