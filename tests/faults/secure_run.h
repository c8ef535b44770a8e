// A broker with users, TLS and ACLs, a master and an agent, each with a user of its own. Ended with the object.
// Threads: one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "process/child_process.h"
#include "stream/kafka/client_config.h"
#include "tests/support/temp_folder.h"

namespace ride::test {

class SecureRun {
 public:
  SecureRun();
  ~SecureRun();

  // The broker alone; "" when it is ready, else what it said.
  std::string start_broker(std::vector<std::string> more = {});
  void stop_broker();
  std::string start_master();
  void start_agent();

  struct Said {
    int code = -1;
    std::string text;
    std::chrono::milliseconds took{0};
  };
  // One of our programs, to its end; -1 when it did not end within 30 s.
  Said run(const std::string& program, std::vector<std::string> arguments);
  // The same, given the cluster and the prefix, as `user` ("reader"); "" is nobody.
  Said as(const std::string& user, const std::string& program, std::vector<std::string> arguments);

  bool submit(const std::string& topology);
  std::string phase(const std::string& job) const;
  nlohmann::json get(const std::string& path) const;

  kafka::ClientConfig config(const std::string& user) const;
  std::filesystem::path config_file(const std::string& user) const;
  const std::string& brokers() const { return brokers_; }
  std::string master_url() const { return "http://127.0.0.1:" + std::to_string(http_port_); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  std::vector<std::string> passwords() const;
  std::string logs() const;

 private:
  using Child = std::unique_ptr<process::ChildProcess>;
  Child start(const std::string& name, const std::string& program, std::vector<std::string> arguments);
  std::vector<std::string> cluster(const std::string& user) const;

  TempFolder folder_{"secure"};
  std::string brokers_;
  int http_port_ = 0, count_ = 0;
  Child broker_, master_, agent_;
};

}  // namespace ride::test
