// HttpServer: serves an Api over HTTP/1.1. cpp-httplib stays inside http_server.cc. Threads: starts its own, bounded
// number. Failure: listen() says why a port cannot be had; whatever a client sends, the answer is a response.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "master/api.h"

namespace ride::master {

struct HttpAddress {
  std::string host = "127.0.0.1";
  int port = 7800;  // 0: a free one
};
Result<HttpAddress> parse_http_address(const std::string& text);  // "127.0.0.1:7800", ":7800", "[::1]:0"

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> listen(const HttpAddress& address);
  ~HttpServer();

  int port() const;
  void serve(std::function<ApiResponse(const ApiRequest&)> handle);  // returns at once
  void stop();

 private:
  struct Inside;
  explicit HttpServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace ride::master
