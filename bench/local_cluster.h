// A cluster of real processes (testing/process_cluster.h) for benchmarks and fault tests, in a temporary folder that is
// removed at the end, and the requests to its master. Owner: the object; its destructor stops everything. Threads: one.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "stream/kafka/client_config.h"
#include "testing/process_cluster.h"

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
  Result<process::ChildProcess*> run(const std::string& program, std::vector<std::string> arguments);
  Result<process::ChildProcess*> run_master();  // waits until it is ready
  Result<void> submit(const std::string& topology);
  Result<void> cancel(const std::string& job);          // and waits for it
  Result<void> drain(const std::string& job);           // ends it with every frame finished
  Result<nlohmann::json> get(const std::string& path);  // of the API, "/jobs/x"
  Result<void> post(const std::string& path, const nlohmann::json& body);
  Result<void> wait_for_phase(const std::string& job, const std::string& phase, std::chrono::seconds timeout);

  const std::string& brokers() const { return kafka().brokers; }
  broker::BrokerCluster& broker_cluster() { return processes_.brokers(); }
  const kafka::ClientConfig& kafka() const { return processes_.kafka(); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit LocalCluster(std::filesystem::path folder) : folder_(std::move(folder)) {}
  const std::string& master_url() const { return processes_.master_url(); }
  Result<process::Program*> launch(const std::string& program, std::vector<std::string> arguments);

  std::filesystem::path folder_;
  cluster::ProcessCluster processes_;
  int count_ = 0;
};

// CPU seconds (user and system) and the largest resident memory of a running process.
struct ProcessUsage {
  double cpu_seconds = 0;
  double peak_rss_mb = 0;
};
ProcessUsage usage_of(int pid);

using cluster::wait_until;

}  // namespace ride::bench
