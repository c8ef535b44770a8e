// A cluster of real processes for benchmarks and fault tests: one broker or several, a master, and workers, producers
// or agents as wanted, in a temporary folder that is removed at the end. Owner: the object; its destructor stops
// everything. Threads: one.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "broker-config/broker_cluster.h"
#include "broker-config/broker_process.h"
#include "broker-config/child_process.h"
#include "common/result.h"
#include "stream/kafka/client_config.h"

namespace ride::bench {

struct LocalOptions {
  int brokers = 1;           // 3: replication 3, so that one may die
  bool quick_start = false;  // for tests: brokers that start soon and are slow under load
};

class LocalCluster {
 public:
  static Result<std::unique_ptr<LocalCluster>> start(const LocalOptions& options = {});
  ~LocalCluster();

  // A program beside this one, by name; its output goes to the folder.
  Result<broker::ChildProcess*> run(const std::string& program, std::vector<std::string> arguments);
  Result<broker::ChildProcess*> run_master();  // waits until it is ready
  Result<void> submit(const std::string& topology);
  Result<void> cancel(const std::string& job);          // and waits for it
  Result<void> drain(const std::string& job);           // ends it with every frame finished
  Result<nlohmann::json> get(const std::string& path);  // of the API, "/jobs/x"
  Result<void> post(const std::string& path, const nlohmann::json& body);
  Result<void> wait_for_phase(const std::string& job, const std::string& phase, std::chrono::seconds timeout);

  const std::string& brokers() const { return kafka_.brokers; }
  broker::BrokerCluster& broker_cluster() { return brokers_; }  // where there are several
  const kafka::ClientConfig& kafka() const { return kafka_; }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  LocalCluster() = default;

  std::filesystem::path folder_;
  broker::BrokerProcess broker_;   // of a single one
  broker::BrokerCluster brokers_;  // of several
  kafka::ClientConfig kafka_;
  std::vector<std::unique_ptr<broker::ChildProcess>> children_;
  std::string master_url_;
  int count_ = 0;
};

// CPU seconds (user and system) and the largest resident memory of a running process.
struct ProcessUsage {
  double cpu_seconds = 0;
  double peak_rss_mb = 0;
};
ProcessUsage usage_of(int pid);

bool wait_until(std::chrono::milliseconds timeout, const std::function<bool()>& condition);

}  // namespace ride::bench
