// HttpConnections: httplib's server with our own way of reading a connection, so that slow clients hold up nobody else.
// A client that says nothing for a while, or whose request takes too long as a whole, is given up; what a refused
// request still sends is not taken for the next one. Threads: one per connection at work, started as they are needed,
// bounded. Failure: a connection that breaks is closed.
#pragma once

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace ride::master {

struct ConnectionLimits {
  std::chrono::milliseconds silence{3'000};   // within a request
  std::chrono::milliseconds request{20'000};  // from its first byte to its last
  std::chrono::milliseconds answer{5'000};    // for the client to take it
  std::chrono::milliseconds idle{2'000};      // between requests of one connection
  std::int64_t head_bytes = 128 << 10;
  std::int64_t body_bytes = 8 << 20;  // as sent, with what chunks add; what is in them is counted by who reads it
};

// As many threads as there is work at once, up to `most`; the rest waits.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(std::size_t most) : most_(most) {}
  void enqueue(std::function<void()> job) override;
  void shutdown() override;

 private:
  void work();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t free_ = 0;
  bool over_ = false;
};

class HttpConnections : public httplib::Server {
 public:
  explicit HttpConnections(const ConnectionLimits& limits) : limits_(limits) {}
  // httplib lets five clients wait for being accepted, and the sixth's connection takes a second. After bind.
  void widen_backlog();

 private:
  bool process_and_close_socket(socket_t socket) override;

  const ConnectionLimits limits_;
};

}  // namespace ride::master
