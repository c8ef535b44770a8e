#include "broker-config/broker_cluster.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <thread>

#include "broker-config/probe.h"
#include "process/free_port.h"

namespace ride::broker {
namespace {
constexpr const char* kHost = "127.0.0.1";
constexpr std::chrono::seconds kCompleteDeadline{60};
}  // namespace

Result<void> BrokerCluster::start(const ClusterOptions& options, std::stop_token stop) {
  RIDE_CHECK(nodes_.empty(), "a cluster is started twice");
  options_ = options;
  auto done = choose_ports();
  for (Node& node : nodes_) {
    if (!done.ok()) break;
    done = node.process->launch(node.launch, stop);
  }
  for (Node& node : nodes_) {
    if (!done.ok()) break;
    done = node.process->wait_until_ready(stop);
  }
  if (done.ok()) done = wait_until_complete(stop);
  if (!done.ok()) this->stop();
  return done;
}

Result<void> BrokerCluster::choose_ports() {
  if (options_.nodes < 1) return Error{ErrorCode::invalid_argument, "a cluster needs at least one node"};
  const auto count = static_cast<std::size_t>(options_.nodes);
  const auto folder = [this](std::size_t i) { return options_.folder / fmt::format("node-{}", i + 1); };
  std::vector<Voter> quorum;
  std::vector<int> ports;
  for (std::size_t i = 0; i < count; ++i) {
    RIDE_ASSIGN(auto kept, read_state(folder(i)));
    if (!kept || kept->quorum.size() != count) break;
    quorum = kept->quorum;
    ports.push_back(kept->port);
  }
  if (ports.size() != count) {
    RIDE_ASSIGN(const auto found, process::free_ports(kHost, 2 * options_.nodes));
    ports.assign(found.begin(), found.begin() + options_.nodes);
    quorum.clear();
    for (int i = 0; i < options_.nodes; ++i)
      quorum.push_back({i + 1, kHost, found[count + static_cast<std::size_t>(i)]});
  }
  for (std::size_t i = 0; i < count; ++i) {
    LaunchOptions launch;
    launch.data = folder(i);
    launch.node_id = static_cast<int>(i) + 1;
    launch.quorum = quorum;
    launch.port = ports[i];
    launch.max_message_bytes = options_.max_message_bytes;
    launch.heap_bytes = options_.heap_bytes;
    launch.quick_start = options_.quick_start;
    launch.die_with_parent = options_.die_with_parent;
    nodes_.push_back({std::move(launch), std::make_unique<BrokerProcess>()});
  }
  return {};
}

Result<void> BrokerCluster::wait_until_complete(std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + kCompleteDeadline;
  for (std::size_t i = 0; i < nodes_.size();) {
    const auto view = probe(kHost, nodes_[i].launch.port, std::chrono::seconds(1));
    if (view.ok() && view->brokers.size() == nodes_.size()) {
      ++i;
      continue;
    }
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "the start of the brokers was interrupted"};
    if (!nodes_[i].process->alive()) return nodes_[i].process->explain_end();
    if (std::chrono::steady_clock::now() > deadline) {
      return Error{
          ErrorCode::timeout,
          fmt::format("broker {} does not see all others (log: {})", i + 1, nodes_[i].process->log_file().string()),
          true};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

void BrokerCluster::stop() {
  // Together: a controlled shutdown waits for a controller, and the last ones would wait in vain for those that went
  // first.
  std::vector<std::jthread> stopping;
  for (Node& node : nodes_) stopping.emplace_back([&node] { node.process->stop(); });
  stopping.clear();
  nodes_.clear();
}

void BrokerCluster::kill(int id) { node(id).process->kill_now(); }

Result<void> BrokerCluster::restart(int id, std::stop_token stop) {
  Node& one = node(id);
  one.process->stop();
  return one.process->start(one.launch, stop);
}

bool BrokerCluster::in_sync() const {
  // Each has its own view of the cluster, and one that has just come back may not have heard that it is behind: ask
  // all.
  return std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
    const auto behind = partitions_out_of_sync(kHost, node.launch.port, std::chrono::seconds(2));
    return behind.ok() && *behind == 0;
  });
}

Result<void> BrokerCluster::wait_until_in_sync(std::chrono::milliseconds timeout, std::stop_token stop) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!in_sync()) {
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "waiting for the brokers was interrupted"};
    if (std::chrono::steady_clock::now() > deadline)
      return Error{ErrorCode::timeout, fmt::format("the brokers are not in sync after {} s", timeout.count() / 1000),
                   true};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return {};
}

bool BrokerCluster::alive(int id) const { return node(id).process->alive(); }
int BrokerCluster::pid(int id) const { return node(id).process->pid(); }

std::string BrokerCluster::bootstrap() const {
  std::string text;
  for (const Node& node : nodes_) text += (text.empty() ? "" : ",") + node.process->bootstrap();
  return text;
}

std::string BrokerCluster::bootstrap(int id) const { return node(id).process->bootstrap(); }

BrokerCluster::Node& BrokerCluster::node(int id) {
  RIDE_CHECK(id >= 1 && id <= size(), "no such node in the cluster");
  return nodes_[static_cast<std::size_t>(id - 1)];
}

const BrokerCluster::Node& BrokerCluster::node(int id) const { return const_cast<BrokerCluster*>(this)->node(id); }

}  // namespace ride::broker
