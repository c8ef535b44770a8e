// HttpExchange: one request that was read whole, as the Api takes it, and the Api's answer as bytes. cpp-httplib does
// the decoding of URLs, queries and bodies, and compresses answers for who asks for it; it never sees a socket.
// Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/http_loop.h"
#include "master/api.h"

namespace ride::master {

class HttpExchange {
 public:
  explicit HttpExchange(const std::function<ApiResponse(const ApiRequest&)>& handle);
  ~HttpExchange();
  std::string answer(const HttpRequest& request, bool close);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

// The bytes of an answer that ends its connection.
std::string last_response(const ApiResponse& response);

}  // namespace ride::master
