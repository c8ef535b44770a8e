// A master and agents on the test's Kafka, each with names of its own, ended with the object. Threads: one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "process/child_process.h"
#include "stream/kafka/client_config.h"
#include "stream/ports.h"
#include "tests/support/temp_folder.h"

namespace ride::test {

class LocalRun {
 public:
  // `environment`: "NAME=value", of the master, the agents and their children.
  LocalRun(std::string brokers, std::string prefix, std::vector<std::string> environment = {});
  ~LocalRun();

  // Its children come from the build; `faults`: workers are faulty ones, see faulty_worker.cc; or, as
  // "producer", the producers (faulty_producer.cc).
  process::ChildProcess& start_agent(const std::string& node, const std::vector<std::string>& arguments,
                                     const std::string& faults = {});
  // A worker or producer by itself, without an agent.
  process::ChildProcess& start_alone(const std::string& program, const std::string& name);
  void kill_master();     // SIGKILL
  void restart_master();  // after that; on another port
  bool submit(const std::string& topology);
  bool cancel(const std::string& job);  // and waits for it
  // The command line, given the cluster; what it wrote, and its exit code.
  struct Said {
    int code = -1;
    std::string text;
  };
  Said ride(std::vector<std::string> arguments);
  Said ask_cluster(std::vector<std::string> arguments);  // commands that know of no master
  Said ask_master(std::vector<std::string> arguments);   // commands that know of no cluster, only of a master
  nlohmann::json get(const std::string& path) const;     // "/jobs/x"
  std::string phase(const std::string& job) const;
  // As the API shows it.
  nlohmann::json stage(const std::string& job, const std::string& stage) const;
  std::string events() const;                                           // texts, one a line
  std::vector<stream::Record> records(const std::string& topic) const;  // of partition 0

  const std::string& prefix() const { return prefix_; }
  int master_port() const { return port_; }
  pid_t master_pid() const { return master_->pid(); }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path repaired() const { return folder_ / "repaired"; }  // see faulty_worker.cc
  std::string logs() const;                                                // of all, for a test that fails
  std::string log_of(const std::string& name) const;  // of an agent (its node) or who runs by itself

 private:
  TempFolder folder_{"faults"};
  std::string brokers_, prefix_;
  std::vector<std::string> environment_;
  std::unique_ptr<process::ChildProcess> master_;
  std::vector<std::unique_ptr<process::ChildProcess>> agents_;  // and who runs by itself
  void start_master();
  Said run(std::vector<std::string> arguments);
  int port_ = 0, count_ = 0;
};

bool wait_until(std::chrono::seconds limit, const std::function<bool()>& condition);

}  // namespace ride::test
