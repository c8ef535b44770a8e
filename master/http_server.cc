#include "master/http_server.h"

#include <spdlog/fmt/fmt.h>

#include "common/host_port.h"
#include "common/http_loop.h"
#include "common/text.h"
#include "master/http_body.h"
#include "master/http_exchange.h"

namespace ride::master {
namespace {

constexpr std::size_t kBodiesAtOnce = 64;

HttpLimits limits_of_the_api() {
  HttpLimits limits;
  limits.body_bytes = kMaxBody;
  limits.bodies = kBodiesAtOnce;
  return limits;
}

std::string fault_response(const HttpFault& fault) {
  if (fault.status == 413) return last_response(body_too_large());
  auto response = problem(fault.status, fault.why);
  if (fault.status == 503) response.retry_after_seconds = 1;
  return last_response(response);
}

}  // namespace

struct HttpServer::Inside {
  std::unique_ptr<HttpLoop> loop;
  HttpAccess access;
  std::unique_ptr<HttpExchange> exchange;
};

Result<HttpAddress> parse_http_address(const std::string& text) {
  const bool port_alone = text.find(':') == std::string::npos;
  const auto address = parse_host_port(port_alone ? ":" + text : text);
  if (!address)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("'{}' is not HOST:PORT, for example 127.0.0.1:7800 (port 0: a free one)", text)};
  return address->host.empty() ? HttpAddress{.port = address->port} : HttpAddress{address->host, address->port};
}

HttpServer::HttpServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpAddress& address, HttpAccess access) {
  auto loop = HttpLoop::listen(address.host, address.port, limits_of_the_api());
  if (!loop.ok())
    return Error{
        ErrorCode::unavailable,
        fmt::format("cannot listen on {}:{} ({}): is another master running there? choose another port with --http "
                    "HOST:PORT (0: a free one)",
                    address.host, address.port, loop.error().message)};
  access.on_loopback = (*loop)->on_loopback();
  if (!access.on_loopback) access.names.push_back(address.host);
  return std::unique_ptr<HttpServer>(
      new HttpServer(std::make_unique<Inside>(Inside{std::move(loop).value(), std::move(access), nullptr})));
}

int HttpServer::port() const { return inside_->loop->port(); }
bool HttpServer::on_loopback() const { return inside_->access.on_loopback; }

void HttpServer::serve(const std::function<ApiResponse(const ApiRequest&)>& handle) {
  inside_->exchange = std::make_unique<HttpExchange>(handle);
  inside_->loop->serve(
      {.refuse = [&access = inside_->access](const HttpHead& head) -> std::optional<std::string> {
         auto refused = refuse_access(access, head);
         if (!refused) refused = refuse_head(head);
         return refused ? std::optional(last_response(*refused)) : std::nullopt;
       },
       .fault = fault_response,
       .is_quick = [](const HttpHead& head) { return head.path() == "/healthz" || head.path() == "/readyz"; },
       .answer = [&exchange = *inside_->exchange](const HttpRequest& request,
                                                  bool close) { return exchange.answer(request, close); }});
}

void HttpServer::stop() { inside_->loop->stop(); }

}  // namespace ride::master
