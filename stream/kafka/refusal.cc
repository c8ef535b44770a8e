#include "stream/kafka/refusal.h"

#include <array>
#include <map>
#include <mutex>
#include <sstream>
#include <string_view>

#include "common/host_port.h"
#include "process/tcp.h"

namespace ride::kafka {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kLasting = 800ms;
constexpr std::chrono::milliseconds kFirstStep{200};
constexpr int kConfirmMs = 1000;
constexpr std::chrono::milliseconds kTlsAnswer{1000}, kGroupAnswer{1500};

// What OpenSSL says of a certificate; librdkafka reports it twice, the second time as if the connection had failed.
constexpr const char* kUntrusted = "certificate verify failed";

enum class Kind { none, user, tls };

struct Note {
  Kind kind = Kind::none;
  std::string reason;  // of the last connection error, of whatever kind
  int unanswered = 0;  // questions since
  Clock::time_point since;
};

struct Notes {
  std::mutex mutex;
  std::map<rd_kafka_t*, Note> by_client;
};

// Never destroyed: clients may outlive any static object.
Notes& notes() {
  static auto* all = new Notes();
  return *all;
}

// So end the handshakes with a broker that is killed, too: it says nothing for or against a refusal.
bool is_broken_off(rd_kafka_resp_err_t code, const std::string& reason) {
  const auto says = [&](const char* words) { return reason.find(words) != std::string::npos; };
  if (code == RD_KAFKA_RESP_ERR__SSL) return says("Disconnected");
  return code == RD_KAFKA_RESP_ERR__TRANSPORT && says("SSL routines") && !says(kUntrusted);
}

Kind kind_of(rd_kafka_resp_err_t code, const std::string& reason) {
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
    return Kind::user;
  const bool untrusted = code == RD_KAFKA_RESP_ERR__TRANSPORT && reason.find(kUntrusted) != std::string::npos;
  if (untrusted || (code == RD_KAFKA_RESP_ERR__SSL && !is_broken_off(code, reason))) return Kind::tls;
  return Kind::none;
}

Note note_of(rd_kafka_t* client) {
  const std::lock_guard lock(notes().mutex);
  const auto found = notes().by_client.find(client);
  return found == notes().by_client.end() ? Note{} : found->second;
}

bool answers(rd_kafka_t* client, int timeout_ms) {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client, 0, nullptr, &metadata, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  rd_kafka_metadata_destroy(metadata);
  forget_connection_errors(client);
  return true;
}

bool lasts(const Note& note) { return note.kind != Kind::none && Clock::now() - note.since >= kLasting; }

std::string setting_of(rd_kafka_t* client, const char* name) {
  std::array<char, 64> value{};
  std::size_t size = value.size();
  return rd_kafka_conf_get(rd_kafka_conf(client), name, value.data(), &size) == RD_KAFKA_CONF_OK ? value.data() : "";
}

// A right password that is refused: nobody would find that by himself.
std::string scram_trouble(rd_kafka_t* client) {
  if (!setting_of(client, "sasl.mechanism").starts_with("SCRAM") || rd_kafka_version() >= 0x020601ff) return {};
  return std::string(". Kafka 4 refuses SCRAM of this librdkafka (") + rd_kafka_version_str() +
         "; fixed in 2.6.1) with any password: use sasl.mechanism=PLAIN over TLS";
}

Error explain(rd_kafka_t* client, const Note& note) {
  std::string text;
  switch (note.kind) {
    case Kind::user:
      text = "Kafka refuses " + user_of(client) + ": " + note.reason +
             ". Correct sasl.username, sasl.password and sasl.mechanism in the file of --kafka-config" +
             scram_trouble(client);
      break;
    case Kind::tls:
    case Kind::none:
      text = "no TLS connection to Kafka: " + note.reason +
             ". Correct ssl.ca.location (the brokers' CA) and security.protocol in the file of --kafka-config";
      break;
  }
  return {ErrorCode::permission, text + " (docs/security.md)", false};
}

// The first of "HOST:PORT,…" that takes connections, if it speaks TLS and this client does not.
std::optional<Error> tls_wanted(rd_kafka_t* client, std::string_view brokers) {
  const auto protocol = setting_of(client, "security.protocol");
  if (protocol == "ssl" || protocol == "sasl_ssl") return std::nullopt;
  std::istringstream list{std::string(brokers)};
  for (std::string one; std::getline(list, one, ',');) {
    const auto address = parse_host_port(one);
    if (!address || !process::speaks_tls(address->host, address->port, kTlsAnswer)) continue;
    return Error{ErrorCode::permission,
                 "Kafka at " + one +
                     " ends every connection that does not begin with TLS. Give its settings with --kafka-config FILE "
                     "(security.protocol=SASL_SSL, sasl.*, ssl.ca.location) (docs/security.md)",
                 false};
  }
  return std::nullopt;
}

}  // namespace

void note_connection_error(rd_kafka_t* client, rd_kafka_resp_err_t code, const char* reason) {
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;  // follows each of them, and says nothing
  const std::string text = reason == nullptr ? "" : reason;
  const auto kind = kind_of(code, text);
  const bool of_interest =
      kind != Kind::none || code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__RESOLVE;
  if (!of_interest && !is_broken_off(code, text)) return;
  const std::lock_guard lock(notes().mutex);
  auto& note = notes().by_client[client];
  if (note.kind != Kind::none && is_broken_off(code, text)) return;
  if (note.kind != kind || kind == Kind::none) note = {kind, {}, 0, Clock::now()};
  note.reason = text;
}

void forget_connection_errors(rd_kafka_t* client) {
  const std::lock_guard lock(notes().mutex);
  notes().by_client.erase(client);
}

std::optional<Error> refused(rd_kafka_t* client) {
  if (!lasts(note_of(client)) || answers(client, kConfirmMs)) return std::nullopt;
  const std::lock_guard lock(notes().mutex);
  const auto found = notes().by_client.find(client);
  if (found == notes().by_client.end() || !lasts(found->second)) return std::nullopt;
  // Twice: in between the client is polled and hears that the brokers went away, if that is what happened.
  if (++found->second.unanswered < 2) return std::nullopt;
  return explain(client, found->second);
}

std::optional<Error> group_refused(rd_kafka_t* client, const std::string& group) {
  Conf conf(rd_kafka_conf_dup(rd_kafka_conf(client)));
  rd_kafka_conf_set_opaque(conf.get(), nullptr);
  const auto other = make_client(RD_KAFKA_CONSUMER, std::move(conf));
  if (!other.ok()) return std::nullopt;
  for (const auto deadline = Clock::now() + kGroupAnswer; Clock::now() < deadline;) {
    const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> answer(
        rd_kafka_consumer_poll(other->get(), 100), rd_kafka_message_destroy);
    if (answer && answer->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
      return to_error(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "group " + group, client);
  }
  return std::nullopt;
}

Result<void> reach(const Client& client, const std::string& brokers, std::chrono::milliseconds timeout) {
  const auto began = Clock::now();
  const auto deadline = began + timeout;
  bool probed = false;
  for (auto step = kFirstStep; Clock::now() < deadline;
       step *= 2) {  // growing: a slow broker gets the time that it needs
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (answers(client.get(), static_cast<int>(std::min(step, left).count()))) return {};
    rd_kafka_poll(client.get(), 0);  // for its error callback
    if (const auto note = note_of(client.get()); lasts(note)) return explain(client.get(), note);
    if (probed || Clock::now() - began < kLasting) continue;
    probed = true;
    if (auto wanted = tls_wanted(client.get(), brokers)) return *wanted;
  }
  auto reason = note_of(client.get()).reason;
  // "127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT,
  // ...)"
  reason.resize(std::min(reason.size(), reason.find(" (after ")));
  if (const auto head = reason.find("/bootstrap: "); head != std::string::npos) reason.erase(0, head + 12);
  return Error{ErrorCode::unavailable,
               "cannot reach Kafka at " + brokers + " (" + (reason.empty() ? "no answer" : reason) +
                   "): is the broker running, and is the address right? `ride broker` starts one",
               true};
}

}  // namespace ride::kafka
