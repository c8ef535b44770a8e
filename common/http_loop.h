// HttpLoop: HTTP/1.1 for many clients with few threads. One thread reads and writes all sockets; a request takes a
// worker thread only once it is whole, so that slow clients hold up nobody else. Limits on time and bytes of head, body
// and answer, on connections (whoever waits longest gives way to who comes), on bodies and answers in memory. Threads:
// serve() and stop() from one; handlers are called as stated. Failure: listen() says why a port cannot be had; a
// connection that breaks or is late is closed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/http_head.h"
#include "common/result.h"

namespace ride {

struct HttpLimits {
  std::chrono::milliseconds idle{2'000};      // without a byte of a request
  std::chrono::milliseconds head{5'000};      // from its first byte to its last
  std::chrono::milliseconds silence{3'000};   // within a body
  std::chrono::milliseconds request{20'000};  // head and body
  std::chrono::milliseconds answer{5'000};    // for the client to take it
  std::size_t head_bytes = 64 << 10;
  std::size_t body_bytes = 4 << 20;     // as sent; the answer to more is 413
  std::size_t connections = 1000;       // at most half of what the system lets us open
  std::size_t bodies = 64;              // in memory, of requests that are read or answered; above: 503
  std::size_t answer_bytes = 64 << 20;  // of all answers that are on their way; above, the oldest is cut off
  std::size_t workers = 32;             // threads at most, started as they are needed
  int requests = 100;                   // of one connection
};

struct HttpRequest {
  HttpHead head;
  std::string body;
};

class HttpLoop {
 public:
  // All give the bytes of a response.
  struct Handlers {
    // The answer to a request that is refused by its head; what is left of it is not read. On the loop's thread.
    std::function<std::optional<std::string>(const HttpHead&)> refuse;
    // Why a request cannot be read. On the loop's thread.
    std::function<std::string(const HttpFault&)> fault;
    // Whether it is answered without waiting for anything: such requests have a thread of their own.
    std::function<bool(const HttpHead&)> is_quick;
    // `close`: the connection ends with this answer, and it should say so. On worker threads.
    std::function<std::string(HttpRequest request, bool close)> answer;
  };

  // `port` 0: a free one. unavailable: with the system's reason.
  static Result<std::unique_ptr<HttpLoop>> listen(const std::string& host, int port, const HttpLimits& limits = {});
  ~HttpLoop();

  int port() const;
  bool on_loopback() const;       // the address that it listens on
  void serve(Handlers handlers);  // returns at once
  void stop();                    // closes all, and waits for the answers that are being made

 private:
  class Loop;
  explicit HttpLoop(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace ride
