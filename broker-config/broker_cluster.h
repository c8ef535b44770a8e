// Several brokers on this machine's loopback: replication 3 and lost brokers for fault tests, and `ride up` on a
// cluster. Nodes are numbered from 1. Ports and data stay in the folder, so that a later start continues. Owner: the
// object; its destructor stops all. Threads: one at a time. Failure: after a failed start() nothing runs.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "broker-config/broker_process.h"
#include "common/result.h"

namespace ride::broker {

struct ClusterOptions {
  std::filesystem::path folder;  // node i lives in <folder>/node-<i>
  int nodes = 3;
  std::int64_t max_message_bytes = kDefaultMaxMessageBytes;
  std::int64_t heap_bytes = 0;  // of each
  bool quick_start = false;
  bool die_with_parent = true;
};

class BrokerCluster {
 public:
  // Returns when every broker sees all others.
  Result<void> start(const ClusterOptions& options, std::stop_token stop = {});
  void stop();

  // Node `id` dies at once (SIGKILL); the others elect new leaders within 1 to 2.5 s.
  void kill(int id);
  // Starts it again on its ports and data; returns when it takes part again. It is not in sync yet.
  Result<void> restart(int id, std::stop_token stop = {});
  // Every replica of every partition is in sync, and all nodes live: only now may another one be lost.
  bool in_sync() const;
  Result<void> wait_until_in_sync(std::chrono::milliseconds timeout, std::stop_token stop = {}) const;
  bool alive(int id) const;
  int pid(int id) const;

  int size() const { return static_cast<int>(nodes_.size()); }
  std::string bootstrap() const;  // all nodes, dead ones too: clients try the next
  std::string bootstrap(int id) const;

 private:
  struct Node {
    LaunchOptions launch;
    std::unique_ptr<BrokerProcess> process;
  };
  Result<void> choose_ports();
  Result<void> wait_until_complete(std::stop_token stop);
  Node& node(int id);
  const Node& node(int id) const;

  ClusterOptions options_;
  std::vector<Node> nodes_;
};

}  // namespace ride::broker
