#include "cli/master_client.h"

#include <httplib.h>
#include <spdlog/fmt/fmt.h>

#include <cctype>

#include "cli/core/fields.h"

namespace ride::cli {
namespace {

constexpr const char* kRoot = "/api/v1";
constexpr std::chrono::seconds kConnectTimeout{2}, kAnswerTimeout{20};

Error unreachable(const std::string& url, const std::string& why) {
  return {ErrorCode::unavailable,
          fmt::format("cannot reach the master at {}: {}. Start one with 'ride up FILE' or 'ride-master --brokers "
                      "HOST:PORT', or name another with --master URL",
                      url, why),
          true};
}

std::string reason_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "nothing listens there";
    case httplib::Error::Read:
      return "it took the request, but gave no answer";
    default:
      return httplib::to_string(error);
  }
}

ErrorCode code_of(int status) {
  switch (status) {
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
  explicit Connection(const std::string& url) : http(url) {
    http.set_connection_timeout(kConnectTimeout);
    http.set_read_timeout(kAnswerTimeout);
    http.set_keep_alive(true);
  }
  httplib::Client http;
};

MasterClient::MasterClient(std::string url, std::unique_ptr<Connection> connection)
    : url_(std::move(url)), connection_(std::move(connection)) {}
MasterClient::MasterClient(MasterClient&&) noexcept = default;
MasterClient& MasterClient::operator=(MasterClient&&) noexcept = default;
MasterClient::~MasterClient() = default;

Result<MasterClient> MasterClient::open(const std::string& url) {
  std::string address = url.find("://") == std::string::npos ? "http://" + url : url;
  while (address.ends_with('/')) address.pop_back();
  if (address.ends_with(kRoot)) address.resize(address.size() - std::string(kRoot).size());
  const Error no_address{ErrorCode::invalid_argument,
                         fmt::format("'{}' is no address of a master; give one as http://HOST:PORT, for example "
                                     "http://127.0.0.1:7800",
                                     url)};
  // The library throws at schemes that it was built without.
  if (!address.starts_with("http://") || address.size() <= 7) return no_address;
  auto connection = std::make_unique<Connection>(address);
  if (!connection->http.is_valid()) return no_address;
  return MasterClient(std::move(address), std::move(connection));
}

namespace {

Result<ApiReply> reply_of(const std::string& url, const httplib::Result& result) {
  if (!result) return unreachable(url, reason_of(result.error()));
  ApiReply reply;
  reply.status = result->status;
  reply.text = result->body;
  auto body = Json::parse(result->body, nullptr, false);
  if (!body.is_discarded()) *reply.body = std::move(body);
  return reply;
}

}  // namespace

Result<ApiReply> MasterClient::get(const std::string& path) {
  return reply_of(url_, connection_->http.Get(kRoot + path));
}

Result<ApiReply> MasterClient::post(const std::string& path, const std::string& body, const std::string& content_type) {
  return reply_of(url_,
                  connection_->http.Post(kRoot + path, body, content_type.empty() ? "application/json" : content_type));
}

Result<ApiReply> MasterClient::remove(const std::string& path) {
  return reply_of(url_, connection_->http.Delete(kRoot + path));
}

Result<Json> MasterClient::fetch(const std::string& path) {
  auto reply = get(path);
  if (!reply.ok()) return reply.error();
  if (!reply->ok()) return error_of(*reply);
  return std::move(*reply->body);
}

bool MasterClient::ready() {
  const auto answer = connection_->http.Get("/readyz");
  return answer && answer->status == 200;
}

void MasterClient::set_timeout(std::chrono::milliseconds timeout) { connection_->http.set_read_timeout(timeout); }

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
