// A small HTTP client for tests: one request, one answer, and raw bytes for what no client would send.
#pragma once

#include <string>
#include <utility>

#include "common/json.h"

namespace ride::master::test {

struct Answer {
  int status = 0;  // 0: no answer
  std::string content_type, body;
  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

class HttpClient {
 public:
  explicit HttpClient(int port) : port_(port) {}
  Answer get(const std::string& path) const { return send("GET", path); }
  Answer post(const std::string& path, const std::string& body = {}) const { return send("POST", path, body); }
  Answer send(const std::string& method, const std::string& path, const std::string& body = {},
              const std::string& content_type = "application/yaml") const;
  // Sends the bytes, closes its half (or waits for the server to close), and returns what came back.
  std::string raw(const std::string& bytes, bool close_half = true) const;

 private:
  int port_;
};

// A connection that sent these bytes and then says nothing more, until it is destroyed.
class HeldConnection {
 public:
  HeldConnection(int port, const std::string& bytes);
  void send(const std::string& more);
  bool is_closed() const;  // by the other side; what it said is left alone
  HeldConnection(HeldConnection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~HeldConnection();

 private:
  int socket_ = -1;
};

}  // namespace ride::master::test
