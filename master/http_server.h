// HttpServer: serves an Api over HTTP/1.1. common/http_loop.h reads the sockets; once a request is there as a whole,
// cpp-httplib (in http_exchange.cc and http_body.cc only) parses it for the Api. Threads: those of HttpLoop, a bounded
// number. Failure: listen() returns why a port cannot be had; whatever a client sends, the answer is a response.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "master/api.h"
#include "master/http_access.h"

namespace ride::master {

struct HttpAddress {
  std::string host = "127.0.0.1";
  int port = 7800;  // 0: a free one
};
Result<HttpAddress> parse_http_address(const std::string& text);  // "127.0.0.1:7800", ":7800", "[::1]:0"

class HttpServer {
 public:
  // `access`: whether it listens on loopback is found out here.
  static Result<std::unique_ptr<HttpServer>> listen(const HttpAddress& address, HttpAccess access = {});
  ~HttpServer();

  int port() const;
  bool on_loopback() const;
  void serve(const std::function<ApiResponse(const ApiRequest&)>& handle);  // returns at once
  void stop();

 private:
  struct Inside;
  explicit HttpServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace ride::master
