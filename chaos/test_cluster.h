// TestCluster: a whole RIDE of real processes on this machine (testing/process_cluster.h), made to be broken: brokers,
// masters and nodes, an agent with workers on each; the sources have a node of their own ("camera"), which plans do not
// hit. What is broken is named: "broker2", "master1", "node3", "node3-w1". Owner: the object; its destructor ends
// everything and removes nothing but control groups. Threads: one, but bring_back() of a broker may run on another
// while brokers are left alone. Failure: after a failed start() nothing runs.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "chaos/cut.h"
#include "common/result.h"
#include "stream/kafka/client_config.h"
#include "testing/process_cluster.h"

namespace ride::chaos {

struct TestClusterOptions {
  std::filesystem::path folder;      // for data and logs
  std::filesystem::path work;        // where sources and sinks find relative paths; empty: the folder
  std::vector<std::string> outputs;  // folders where sinks may write; empty: the working folder
  std::vector<std::string> plugins;  // that masters and workers load; absolute
  std::filesystem::path programs;    // where ride-master, ride-agent and the others are
  int brokers = 1, masters = 1, nodes = 3, slots = 2;
  bool quick_start = false;  // brokers that start soon and are slow under load
  bool gates = false;        // nodes and masters can be cut off (needs root)
};

enum class Role { worker, node, master, broker };
const char* to_string(Role role);

struct FaultTarget {
  Role role = Role::worker;
  std::string name;
  bool operator==(const FaultTarget&) const = default;
};

class TestCluster {
 public:
  static Result<std::unique_ptr<TestCluster>> start(const TestClusterOptions& options, std::stop_token stop = {});
  ~TestCluster();

  const kafka::ClientConfig& kafka() const { return cluster_.kafka(); }
  const std::string& prefix() const { return prefix_; }
  // Of the master that answered first; later leaders announce theirs in their claims.
  const std::string& master_url() const { return cluster_.master_url(); }

  // All that could be hit now, of a role; workers as they run at this moment.
  std::vector<FaultTarget> candidates(Role role) const;
  struct Ended {
    FaultTarget victim;
    std::string how;  // and its last words
    bool by_signal = false;
  };
  // Masters and agents that do not run, and how each ended: by us, or by itself.
  std::vector<Ended> ended() const;
  bool runs(const FaultTarget& victim) const;  // of masters and agents
  // not_found: names what there is.
  Result<FaultTarget> find(const std::string& name) const;

  void kill(const FaultTarget& victim);
  void stop(const FaultTarget& victim);         // SIGSTOP to all of it
  void go_on(const FaultTarget& victim);        // SIGCONT
  Result<void> cut(const FaultTarget& victim);  // node or master; invalid_argument for others
  void repair(const FaultTarget& victim);
  std::unique_ptr<CpuLimit> slow(const FaultTarget& victim, int percent);
  // Starts again what was killed; nothing to do for a worker, its agent does it. Returns when it runs (a broker: takes
  // part).
  Result<void> bring_back(const FaultTarget& victim);

 private:
  explicit TestCluster(TestClusterOptions options) : options_(std::move(options)) {}
  Result<void> begin(std::stop_token stop);
  std::vector<std::string> with_plugins(std::vector<std::string> arguments) const;
  Result<process::Program*> add(const std::string& name, const std::string& program, std::vector<std::string> arguments,
                                bool gate);
  std::vector<pid_t> pids_of(const FaultTarget& victim) const;
  int broker_id(const std::string& name) const;

  TestClusterOptions options_;
  std::string prefix_ = "ride";
  cluster::ProcessCluster cluster_;                            // masters and agents, by name
  std::map<std::string, std::unique_ptr<NetworkGate>> gates_;  // of those that can be cut off
};

}  // namespace ride::chaos
