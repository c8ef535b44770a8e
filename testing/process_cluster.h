// ProcessCluster: brokers and programs of RIDE as real processes on this machine, started, ended, killed, stopped and
// started again by name. What all clusters of tests share: `ride chaos` (chaos/test_cluster.h), the benchmarks and the
// fault tests (bench/local_cluster.h). Owner: the object; its destructor ends everything and leaves the folder.
// Threads: one, but start_again() of a broker may run on another while brokers are left alone. Failure: every Error has
// the end of the log that says why.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "broker-config/broker_cluster.h"
#include "common/result.h"
#include "process/program.h"
#include "stream/kafka/client_config.h"

namespace ride::cluster {

struct ClusterPlan {
  std::filesystem::path folder;    // for data and logs
  std::filesystem::path work;      // where sources and sinks find relative paths; empty: the folder
  std::filesystem::path programs;  // where ride-master, ride-agent and the others are; empty: beside this one
  int brokers = 1;                 // 3: replication 3, so that one may be lost
  bool quick_start = false;        // brokers that start soon and are slow under load
};

class ProcessCluster {
 public:
  ProcessCluster() = default;
  ~ProcessCluster();
  ProcessCluster(const ProcessCluster&) = delete;
  ProcessCluster& operator=(const ProcessCluster&) = delete;

  // Returns when every broker takes part.
  Result<void> start(ClusterPlan plan, std::stop_token stop = {});
  // A program of RIDE under a name; its log is NAME.log, and it gets the brokers' addresses.
  Result<process::Program*> run(const std::string& name, const std::string& program,
                                std::vector<std::string> arguments);
  // The same in two steps, for who puts something around the command.
  std::vector<std::string> command(const std::string& program, std::vector<std::string> arguments) const;
  Result<process::Program*> run_command(const std::string& name, std::vector<std::string> command);
  // Waits until this master is ready: master_url() is its from then on.
  Result<void> wait_for_master(process::Program& master, std::stop_token stop = {});
  // All programs are asked at once, and each is waited for; then the brokers.
  void end();

  process::Program* find(const std::string& name) const;  // null: none has it
  const std::map<std::string, std::unique_ptr<process::Program>>& programs() const { return programs_; }
  // The program and all that it has started, itself first; nothing when it does not run.
  std::vector<pid_t> tree_of(const std::string& name) const;

  const std::string& master_url() const { return master_url_; }
  const kafka::ClientConfig& kafka() const { return kafka_; }
  broker::BrokerCluster& brokers() { return brokers_; }
  const broker::BrokerCluster& brokers() const { return brokers_; }
  const std::filesystem::path& folder() const { return plan_.folder; }

 private:
  ClusterPlan plan_;
  broker::BrokerCluster brokers_;
  kafka::ClientConfig kafka_;
  std::map<std::string, std::unique_ptr<process::Program>> programs_;
  std::string master_url_;
};

// Looks every 20 ms. False: it did not come in time, or `stop`.
bool wait_until(std::chrono::milliseconds timeout, const std::function<bool()>& condition,
                const std::stop_token& stop = {});

}  // namespace ride::cluster
