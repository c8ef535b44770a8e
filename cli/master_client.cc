#include "cli/master_client.h"

#include <httplib.h>
#include <spdlog/fmt/fmt.h>

#include <cctype>
#include <functional>
#include <thread>

#include "cli/core/fields.h"
#include "cli/core/master_answer.h"

namespace ride::cli {
namespace {

constexpr const char* kRoot = "/api/v1";
constexpr std::chrono::seconds kConnectTimeout{2};
constexpr std::chrono::seconds kElection{5};  // a new leader is there within two
constexpr std::chrono::milliseconds kLook{200};
constexpr std::size_t kShown = 120;  // bytes of an answer in a message

Error unreachable(const std::string& url, const std::string& why) {
  return {ErrorCode::unavailable,
          fmt::format("cannot reach the master at {}: {}. Start one with 'ride up FILE' or 'ride-master --brokers "
                      "HOST:PORT', or name another with --master URL",
                      url, why),
          true};
}

Error no_master(const std::string& url, const std::string& request, const ApiReply& reply, const std::string& why) {
  const std::string text = one_line(reply.text.substr(0, kShown)) + (reply.text.size() > kShown ? "…" : "");
  return {ErrorCode::unavailable,
          fmt::format(
              "{} is not a RIDE master: it answered {} with status {}, {}: '{}'. Name a master with --master URL (or "
              "RIDE_MASTER): it serves at the --http HOST:PORT that it was started with, 'ride up' prints it",
              url, request, reply.status, why, text),
          reply.status >= 500};
}

std::string reason_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "nothing listens there";
    case httplib::Error::Read:
      return "it accepted the request, but did not answer";
    default:
      return httplib::to_string(error);
  }
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorCode::permission;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::already_exists;
    case 400:
    case 413:
    case 422:
      return ErrorCode::invalid_argument;
    case 503:
      return ErrorCode::unavailable;
    case 504:
      return ErrorCode::timeout;
    default:
      return ErrorCode::internal;
  }
}

}  // namespace

ApiReply::ApiReply() : body(std::make_unique<Json>(Json::object())) {}
ApiReply::~ApiReply() = default;
ApiReply::ApiReply(ApiReply&&) noexcept = default;
ApiReply& ApiReply::operator=(ApiReply&&) noexcept = default;

struct MasterClient::Connection {
  Connection(const std::string& url, const std::string& token, std::chrono::milliseconds timeout) : http(url) {
    if (!token.empty()) http.set_bearer_token_auth(token);
    http.set_connection_timeout(kConnectTimeout);
    http.set_read_timeout(timeout);
    http.set_keep_alive(true);
  }
  httplib::Client http;
};

struct MasterClient::Exchange {
  const char* method;
  const std::string& path;
  std::function<httplib::Result(httplib::Client&)> send;
};

MasterClient::MasterClient(std::vector<std::string> urls, std::unique_ptr<Connection> connection)
    : urls_(std::move(urls)), connection_(std::move(connection)) {}
MasterClient::MasterClient(MasterClient&&) noexcept = default;
MasterClient& MasterClient::operator=(MasterClient&&) noexcept = default;
MasterClient::~MasterClient() = default;

namespace {

Result<std::string> address_of(const std::string& url) {
  std::string address = url.find("://") == std::string::npos ? "http://" + url : url;
  while (address.ends_with('/')) address.pop_back();
  if (address.ends_with(kRoot)) address.resize(address.size() - std::string(kRoot).size());
  // The library throws at schemes that it was built without.
  if (address.starts_with("http://") && address.size() > 7 && httplib::Client(address).is_valid()) return address;
  return Error{ErrorCode::invalid_argument,
               fmt::format("'{}' is not the address of a master; write it as http://HOST:PORT, for example "
                           "http://127.0.0.1:7800, or several as URL1,URL2",
                           url)};
}

bool never_arrived(const httplib::Result& result) {
  return !result &&
         (result.error() == httplib::Error::Connection || result.error() == httplib::Error::ConnectionTimeout);
}

// "http://host:port" of a redirection's target.
std::string base_of(const std::string& location) { return location.substr(0, location.find('/', 7)); }

}  // namespace

Result<MasterClient> MasterClient::open(const std::string& urls, const std::string& token) {
  std::vector<std::string> addresses;
  for (std::size_t begin = 0; begin <= urls.size();) {
    const auto end = std::min(urls.find(',', begin), urls.size());
    RIDE_ASSIGN(auto address, address_of(urls.substr(begin, end - begin)));
    addresses.push_back(std::move(address));
    begin = end + 1;
  }
  MasterClient client(std::move(addresses), nullptr);
  client.token_ = token;
  client.connection_ = std::make_unique<Connection>(client.url(), token, client.timeout_);
  return client;
}

namespace {

Result<ApiReply> reply_of(const std::string& url, const char* method, const std::string& path,
                          const httplib::Result& result) {
  if (!result) return unreachable(url, reason_of(result.error()));
  ApiReply reply;
  reply.from = url;
  reply.status = result->status;
  reply.text = result->body;
  auto body = Json::parse(result->body, nullptr, false);
  if (!body.is_discarded()) *reply.body = std::move(body);
  if (const auto why = why_no_master(method, path, reply.status, *reply.body))
    return no_master(url, fmt::format("{} {}{}", method, kRoot, path), reply, *why);
  return reply;
}

}  // namespace

// The first master that listens is asked; what arrived anywhere is not sent again. A standby names the leader (307);
// while there is none, or it died a moment ago, the next one is waited for.
Result<ApiReply> MasterClient::exchange(const Exchange& exchange) {
  const auto deadline = std::chrono::steady_clock::now() + kElection;
  const auto reply = [&](const std::string& from, const httplib::Result& result) {
    return reply_of(from, exchange.method, exchange.path, result);
  };
  for (;; std::this_thread::sleep_for(kLook)) {
    auto result = exchange.send(connection_->http);
    for (std::size_t others = urls_.size() - 1; others > 0 && never_arrived(result); --others) {
      current_ = (current_ + 1) % urls_.size();
      connection_ = std::make_unique<Connection>(url(), token_, timeout_);
      result = exchange.send(connection_->http);
    }
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (result && result->status == 307) {
      const auto leader = address_of(base_of(result->get_header_value("Location")));
      if (!leader.ok()) return reply(url(), result);
      Connection there(*leader, token_, timeout_);
      const auto led = exchange.send(there.http);
      if (late || !never_arrived(led)) return reply(*leader, led);
      continue;
    }
    const bool leaderless = result && result->status == 503 && result->has_header("Retry-After");
    if (late || !leaderless)
      return reply(urls_.size() > 1 && !result ? fmt::format("{}", fmt::join(urls_, ", ")) : url(), result);
  }
}

Result<ApiReply> MasterClient::get(const std::string& path) {
  return exchange({"GET", path, [&](httplib::Client& http) { return http.Get(kRoot + path); }});
}

Result<ApiReply> MasterClient::post(const std::string& path, const std::string& body, const std::string& content_type) {
  const auto type = content_type.empty() ? "application/json" : content_type;
  return exchange({"POST", path, [&](httplib::Client& http) { return http.Post(kRoot + path, body, type); }});
}

Result<ApiReply> MasterClient::remove(const std::string& path) {
  return exchange({"DELETE", path, [&](httplib::Client& http) { return http.Delete(kRoot + path); }});
}

Result<Json> MasterClient::fetch(const std::string& path) {
  RIDE_ASSIGN(auto reply, get(path));
  if (!reply.ok()) return error_of(reply);
  return std::move(*reply.body);
}

bool MasterClient::ready() {
  const auto answer = connection_->http.Get("/readyz");
  return answer && answer->status == 200;
}

void MasterClient::set_timeout(std::chrono::milliseconds timeout) {
  timeout_ = timeout;
  connection_->http.set_read_timeout(timeout);
}

Error error_of(const ApiReply& reply) {
  std::string text = text_of(*reply.body, "detail", text_of(*reply.body, "title"));
  if (text.empty())
    text = fmt::format("the master answered with status {}{}", reply.status,
                       reply.text.empty() ? "" : ": " + reply.text.substr(0, 200));
  return {code_of(reply.status), text, reply.status == 503};
}

std::string url_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace ride::cli
