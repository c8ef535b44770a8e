// What comes over a connection to the master's API, up to the request that it hands on: heads, lengths, encodings, bodies.
// No socket: a stream in memory. Every request is answered, and what is handed on is within its limits.
#include "common/check.h"
#include "master/http_body.h"
#include "master/http_server.h"
#include "tests/fuzz/records.h"

namespace ride::master {
namespace {

class MemoryStream : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view in) : in_(in) {}
  bool is_readable() const override { return !in_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const auto count = in_.copy(to, size);
    in_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  const std::string& out() const { return out_; }
  bool more() const { return !in_.empty(); }

 private:
  std::string_view in_;
  std::string out_;
};

class Server : public httplib::Server {
 public:
  Server() {
    set_payload_max_length(kMaxBody);
    const auto answer = [](const httplib::Request&, httplib::Response& response) { response.status = 200; };
    set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      const auto no = refuse_head(request);
      if (!no) return httplib::Server::HandlerResponse::Unhandled;
      RIDE_CHECK(no->status >= 400 && !no->body.empty(), "refused without words");
      response.status = no->status;
      return httplib::Server::HandlerResponse::Handled;
    });
    Get(".*", answer);
    const auto answer_body = [this](const httplib::Request&, httplib::Response& response,
                                    const httplib::ContentReader& content) {
      const auto body = bodies_.read(content);
      const auto* text = std::get_if<std::string>(&body);
      RIDE_CHECK(text == nullptr || text->size() <= kMaxBody, "a body above the limit");
      response.status = text != nullptr ? 200 : std::get<ApiResponse>(body).status;
    };
    Post(".*", answer_body);
    Delete(".*", answer_body);
  }

  void serve(std::string_view in) {
    MemoryStream stream(in);
    for (int left = 5; left > 0 && stream.more(); --left) {
      bool closed = false;
      if (!process_request(stream, left == 1, closed, nullptr) || closed) break;
    }
  }

 private:
  BodyReader bodies_{64};
};

}  // namespace
}  // namespace ride::master

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  static master::Server server;
  const auto text = fuzz::as_text(data, size);
  if (const auto address = master::parse_http_address(std::string(text.substr(0, text.find('\n')))); address.ok())
    RIDE_CHECK(address->port >= 0 && address->port <= 65535, "a port that is none");
  server.serve(text);
  return 0;
}
