#include "master/http_exchange.h"

#include <httplib.h>
#include <spdlog/fmt/fmt.h>

#include <cstring>

#include "common/cause.h"
#include "common/log.h"
#include "master/http_body.h"

namespace ride::master {
namespace {

// What httplib reads and writes in the place of a socket.
class Memory : public httplib::Stream {
 public:
  explicit Memory(std::string in) : in_(std::move(in)) {}
  bool is_readable() const override { return at_ < in_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const auto count = std::min(size, in_.size() - at_);
    std::memcpy(to, in_.data() + at_, count);
    at_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  std::string take() { return std::move(out_); }

 private:
  std::string in_, out_;
  std::size_t at_ = 0;
};

class Library : public httplib::Server {
 public:
  std::string answer(std::string bytes, bool close) {
    Memory memory(std::move(bytes));
    bool closed = false;
    process_request(memory, close, closed, [](const httplib::Request&) {});
    return memory.take();
  }
};

// The request in the one form in which it can be read in one way only: the body has its length, and what HttpLoop has
// done with the head (or nobody here understands) is left out.
std::string canonical(const HttpRequest& request) {
  const auto& head = request.head;
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", head.method, head.target);
  for (const std::string name : {"content-type", "content-encoding", "accept-encoding"})
    if (head.count(name) > 0) text += fmt::format("{}: {}\r\n", name, head.field(name));
  if (head.method != "GET" && head.method != "HEAD") text += fmt::format("Content-Length: {}\r\n", request.body.size());
  return text + "\r\n" + request.body;
}

std::vector<HttpField> fields_of(const ApiResponse& response) {
  std::vector<HttpField> fields;
  if (response.retry_after_seconds > 0) fields.push_back({"Retry-After", std::to_string(response.retry_after_seconds)});
  if (!response.allow.empty()) fields.push_back({"Allow", response.allow});
  if (!response.location.empty()) fields.push_back({"Location", response.location});
  if (!response.authenticate.empty()) fields.push_back({"WWW-Authenticate", response.authenticate});
  return fields;
}

void write(const ApiResponse& from, httplib::Response& to) {
  to.status = from.status;
  for (const auto& [name, value] : fields_of(from)) to.set_header(name, value);
  to.set_content(from.body, from.content_type);
}

ApiRequest read(const httplib::Request& from, std::string body) {
  ApiRequest request{from.method, from.path, {}, std::move(body), from.target, from.get_header_value("Content-Type")};
  for (const auto& [name, value] : from.params) request.query[name] = value;
  return request;
}

void answer_failure(const std::exception_ptr& failure, httplib::Response& response) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    log_error("a request failed: {}", cause_of(error));
  } catch (...) {
    log_error("a request failed with an exception of an unknown kind");
  }
  write(problem(500, "the master failed to answer; its log says why"), response);
}

}  // namespace

struct HttpExchange::Inside {
  Library library;
};

HttpExchange::HttpExchange(const std::function<ApiResponse(const ApiRequest&)>& handle)
    : inside_(std::make_unique<Inside>()) {
  auto& library = inside_->library;
  library.set_payload_max_length(kMaxBody);
  const auto answer = [handle](const httplib::Request& request, httplib::Response& response) {
    write(handle(read(request, {})), response);
  };
  const auto answer_body = [handle](const httplib::Request& request, httplib::Response& response,
                                    const httplib::ContentReader& content) {
    auto body = read_body(content);
    if (const auto* refused = std::get_if<ApiResponse>(&body)) return write(*refused, response);
    write(handle(read(request, std::get<std::string>(std::move(body)))), response);
  };
  // One handler for all: routes are the Api's business.
  library.Get(".*", answer);
  library.Post(".*", answer_body);
  library.Put(".*", answer_body);
  library.Delete(".*", answer_body);
  library.Patch(".*", answer_body);
  library.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                   const std::exception_ptr& failure) { answer_failure(failure, response); });
  library.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;
    write(problem(response.status,
                  response.status == 400 ? "the request cannot be understood" : "the request is refused"),
          response);
  });
}

HttpExchange::~HttpExchange() = default;

std::string HttpExchange::answer(const HttpRequest& request, bool close) {
  return inside_->library.answer(canonical(request), close);
}

std::string last_response(const ApiResponse& response) {
  return http_response(response.status, response.content_type, response.body, true, fields_of(response));
}

}  // namespace ride::master
