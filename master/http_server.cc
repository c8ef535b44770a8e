#include "master/http_server.h"

#include <httplib.h>

#include <charconv>
#include <thread>

#include "common/log.h"
#include "master/http_body.h"
#include "master/http_connection.h"

namespace ride::master {

namespace {

constexpr std::size_t kThreads = 256;  // connections that are served at once
constexpr int kBodiesAtOnce = 64;      // the rest is for who asks

// httplib's own default lets a second master listen on the same port (SO_REUSEPORT) and take half of the requests.
void set_socket_options(socket_t socket) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

void write(const ApiResponse& from, httplib::Response& to) {
  to.status = from.status;
  if (from.retry_after_seconds > 0) to.set_header("Retry-After", std::to_string(from.retry_after_seconds));
  if (!from.allow.empty()) to.set_header("Allow", from.allow);
  if (!from.location.empty()) to.set_header("Location", from.location);
  to.set_content(from.body, from.content_type);
}

// What is left of its request is not read.
void refuse(const ApiResponse& from, const httplib::Request& request, httplib::Response& to) {
  write(from, to);
  if (request.get_header_value("Connection") != "close") to.set_header("Connection", "close");
}

ApiRequest read(const httplib::Request& from, std::string body) {
  ApiRequest request{from.method, from.path, {}, std::move(body), from.target};
  for (const auto& [name, value] : from.params) request.query[name] = value;
  return request;
}

std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) return std::string(authority.substr(0, authority.find(']') + 1));
  return std::string(authority.substr(0, authority.find(':')));
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host == "::1" || host.starts_with("127.");
}

// A web page of somebody else must not give us orders through the browser of who visits it: neither straight (its
// Origin is not ours) nor by a name of its own that it lets point at this machine (on loopback, only loopback's names
// are ours).
std::optional<std::string> foreign_page(const httplib::Request& request, bool on_loopback) {
  const auto host = request.get_header_value("Host");
  if (on_loopback && !host.empty() && !is_loopback(host_of(host)))
    return fmt::format("this API listens on loopback and is not called {}", host);
  const auto origin = request.get_header_value("Origin");
  if (!origin.empty() && origin != "http://" + host && origin != "https://" + host)
    return fmt::format("a page of {} may not use this API", origin);
  return std::nullopt;
}

std::string describe_error(int status) {
  switch (status) {
    case 400:
      return "the request cannot be understood";
    case 414:
      return "the URL is too long";
    default:
      return "the request is refused";
  }
}

}  // namespace

struct HttpServer::Inside {
  HttpConnections server{ConnectionLimits{}};
  BodyReader bodies{kBodiesAtOnce};
  int port = 0;
  bool on_loopback = false;
  std::thread thread;
};

Result<HttpAddress> parse_http_address(const std::string& text) {
  const auto colon = text.rfind(':');
  HttpAddress address;
  const auto digits = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos && colon > 0) address.host = text.substr(0, colon);
  if (address.host.size() > 2 && address.host.front() == '[')
    address.host = address.host.substr(1, address.host.size() - 2);
  const auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  const bool whole = failed == std::errc() && rest == digits.data() + digits.size() && !digits.empty();
  if (!whole || address.port < 0 || address.port > 65535)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("'{}' is not HOST:PORT, for example 127.0.0.1:7800 (port 0: a free one)", text)};
  return address;
}

HttpServer::HttpServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpAddress& address) {
  auto inside = std::make_unique<Inside>();
  auto& server = inside->server;
  server.set_socket_options(set_socket_options);
  server.set_payload_max_length(kMaxBody);
  server.set_keep_alive_timeout(ConnectionLimits{}.idle / std::chrono::seconds(1));
  server.set_tcp_nodelay(true);
  server.new_task_queue = [] { return new ConnectionThreads(kThreads); };
  if (address.port == 0) {
    inside->port = server.bind_to_any_port(address.host);
  } else if (server.bind_to_port(address.host, address.port)) {
    inside->port = address.port;
  }
  if (inside->port <= 0)
    return Error{ErrorCode::unavailable,
                 fmt::format("cannot listen on {}:{}: is another master running there? choose another port with --http "
                             "HOST:PORT (0: a free one)",
                             address.host, address.port)};
  server.widen_backlog();
  inside->on_loopback = is_loopback(address.host);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(inside)));
}

int HttpServer::port() const { return inside_->port; }

void HttpServer::serve(std::function<ApiResponse(const ApiRequest&)> handle) {
  auto& server = inside_->server;
  const auto refused = [on_loopback = inside_->on_loopback](const httplib::Request& request) {
    const auto foreign = foreign_page(request, on_loopback);
    return foreign ? problem(403, *foreign) : refuse_head(request);
  };
  const auto answer = [handle](const httplib::Request& request, httplib::Response& response) {
    write(handle(read(request, {})), response);
  };
  const auto answer_body = [handle, &bodies = inside_->bodies](const httplib::Request& request,
                                                               httplib::Response& response,
                                                               const httplib::ContentReader& content) {
    auto body = bodies.read(content);
    if (const auto* no = std::get_if<ApiResponse>(&body)) return refuse(*no, request, response);
    write(handle(read(request, std::get<std::string>(std::move(body)))), response);
  };
  server.set_expect_100_continue_handler([refused](const httplib::Request& request, httplib::Response& response) {
    const auto no = refused(request);
    if (no) refuse(*no, request, response);
    return no ? no->status : 100;
  });
  // Without a length there is no body (RFC 7230, 3.3.3), as from `curl -X POST`; httplib would wait for one.
  server.set_pre_routing_handler([refused, answer](const httplib::Request& request, httplib::Response& response) {
    const auto no = refused(request);
    const bool bodiless = !request.has_header("Content-Length") && !request.has_header("Transfer-Encoding");
    if (!no && !bodiless) return httplib::Server::HandlerResponse::Unhandled;
    no ? refuse(*no, request, response) : answer(request, response);
    return httplib::Server::HandlerResponse::Handled;
  });
  // One handler for all: routes are the Api's business.
  server.Get(".*", answer);
  server.Post(".*", answer_body);
  server.Put(".*", answer_body);
  server.Delete(".*", answer_body);
  server.Patch(".*", answer_body);
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      log_error("a request failed: {}", error.what());
    } catch (...) {
      log_error("a request failed");
    }
    write(problem(500, "the master failed to answer; its log says why"), response);
  });
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) write(problem(response.status, describe_error(response.status)), response);
  });
  inside_->thread = std::thread([this] { inside_->server.listen_after_bind(); });
  // stop() is only heard by a server that runs.
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void HttpServer::stop() {
  if (!inside_->thread.joinable()) return;
  inside_->server.stop();
  inside_->thread.join();
}

}  // namespace ride::master
