// The master's REST API (docs: /api/v1/openapi.json), the only place of the CLI that speaks HTTP. Several masters may
// be named: the first that answers is asked, and what only the leader can do is sent on to it. Threads: one. Failure:
// unavailable when nothing answers, or something that is no master, with what to do about it; else what the master's
// problem+json says.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::cli {

struct ApiReply {
  ApiReply();
  ~ApiReply();
  ApiReply(ApiReply&&) noexcept;
  ApiReply& operator=(ApiReply&&) noexcept;
  bool ok() const { return status >= 200 && status < 300; }

  int status = 0;
  std::string from;                      // URL of the master that answered: the leader, where a standby named it
  std::string text;                      // as received
  std::unique_ptr<nlohmann::json> body;  // an empty object where the text is no JSON
};

class MasterClient {
 public:
  // "URL" or "URL1,URL2". `token`: sent with every request; empty: none. invalid_argument: not an http:// URL.
  static Result<MasterClient> open(const std::string& urls, const std::string& token = {});
  MasterClient(MasterClient&&) noexcept;
  MasterClient& operator=(MasterClient&&) noexcept;
  ~MasterClient();

  const std::string& url() const { return urls_[current_]; }  // of the one that is asked

  // `path` below /api/v1, as "/jobs". A master's answer of any status is a reply.
  Result<ApiReply> get(const std::string& path);
  Result<ApiReply> post(const std::string& path, const std::string& body = {}, const std::string& content_type = {});
  Result<ApiReply> remove(const std::string& path);

  // The body of a 2xx answer; otherwise error_of().
  Result<nlohmann::json> fetch(const std::string& path);
  // 200 of /readyz: it leads, or stands by and knows the leader.
  bool ready();
  void set_timeout(std::chrono::milliseconds timeout);

 private:
  struct Connection;
  struct Exchange;
  MasterClient(std::vector<std::string> urls, std::unique_ptr<Connection> connection);
  Result<ApiReply> exchange(const Exchange& exchange);

  std::vector<std::string> urls_;
  std::string token_;
  std::size_t current_ = 0;
  std::chrono::milliseconds timeout_{20'000};
  std::unique_ptr<Connection> connection_;
};

// What the master's answer says went wrong: 404 not_found, 409 already_exists, 400 and 422 invalid_argument, 503
// unavailable.
Error error_of(const ApiReply& reply);

std::string url_encoded(const std::string& text);  // of one part of a path or query

}  // namespace ride::cli
