#include "chaos/test_cluster.h"

#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "broker-config/log_reader.h"
#include "common/file_text.h"

namespace ride::chaos {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
namespace {

constexpr const char* kCamera = "camera";

// Parent of each process.
std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/proc", failed)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto stat = file_text(entry.path() / "stat");
    const auto end = stat.rfind(')');
    if (end == std::string::npos) continue;
    std::istringstream fields(stat.substr(end + 2));
    std::string state;
    pid_t parent = 0;
    if (fields >> state >> parent && state != "Z") children.emplace(parent, std::stoi(name));
  }
  return children;
}

// What stands behind --name on its command line.
std::string name_of(pid_t pid) {
  const auto command = file_text(fmt::format("/proc/{}/cmdline", pid));
  std::vector<std::string> words;
  for (std::size_t at = 0; at < command.size();) {
    words.emplace_back(command.c_str() + at);
    at += words.back().size() + 1;
  }
  const auto flag = std::find(words.begin(), words.end(), "--name");
  return flag == words.end() || flag + 1 == words.end() ? std::string() : *(flag + 1);
}

std::string node_of(const std::string& worker) { return worker.substr(0, worker.rfind("-w")); }

}  // namespace

const char* to_string(Role role) {
  static constexpr const char* kNames[] = {"worker", "node", "master", "broker"};
  return kNames[static_cast<std::size_t>(role)];
}

std::vector<pid_t> descendants_of(pid_t pid) {
  const auto children = children_by_parent();
  std::vector<pid_t> all;
  std::vector<pid_t> open = {pid};
  while (!open.empty()) {
    const auto parent = open.back();
    open.pop_back();
    const auto [begin, end] = children.equal_range(parent);
    for (auto child = begin; child != end; ++child) {
      all.push_back(child->second);
      open.push_back(child->second);
    }
  }
  return all;
}

Result<std::unique_ptr<TestCluster>> TestCluster::start(const ArenaOptions& options, std::stop_token stop) {
  auto test_cluster = std::unique_ptr<TestCluster>(new TestCluster(options));
  RIDE_TRY(test_cluster->begin(stop));
  return test_cluster;
}

Result<void> TestCluster::begin(std::stop_token stop) {
  broker::ClusterOptions brokers;
  brokers.folder = options_.folder / "brokers";
  brokers.nodes = options_.brokers;
  brokers.quick_start = options_.quick_start;
  RIDE_TRY(brokers_.start(brokers, stop));
  kafka_.brokers = brokers_.bootstrap();
  for (int i = 1; i <= options_.masters; ++i) {
    const auto name = fmt::format("master{}", i);
    RIDE_TRY(add(name, {"ride-master", "--http", "127.0.0.1:0"}, options_.gates));
    if (i == 1)  // the first one makes the topics
      RIDE_TRY(wait_for_master(stop));
  }
  const auto agent = [this](const std::string& node, int slots, int producers) {
    std::vector<std::string> words = {
        "ride-agent", "--node", node, "--slots", std::to_string(slots), "--producers", std::to_string(producers)};
    for (const auto& folder : options_.outputs) words.insert(words.end(), {"--output", folder});
    return words;
  };
  RIDE_TRY(add(kCamera, agent(kCamera, 0, 1), false));
  for (int i = 1; i <= options_.nodes; ++i) {
    const auto name = fmt::format("node{}", i);
    RIDE_TRY(add(name, agent(name, options_.slots, 0), options_.gates));
  }
  return {};
}

TestCluster::~TestCluster() {
  for (auto& [name, process] : processes_) {
    if (process.gate) process.gate->open();
    go_on({name.starts_with("master") ? Role::master : Role::node, name});
    if (process.child) process.child->send_signal(SIGTERM);
  }
  for (auto& [name, process] : processes_)
    if (process.child && !process.child->wait_until_ended(8s)) process.child->send_signal(SIGKILL);
  for (auto& [name, process] : processes_) process.child.reset();
  processes_.clear();
  brokers_.stop();
}

Result<void> TestCluster::add(const std::string& name, std::vector<std::string> arguments, bool gate) {
  auto& process = processes_[name];
  arguments.front() = (options_.programs / arguments.front()).string();
  arguments.insert(arguments.end(), {"--brokers", kafka_.brokers});
  if (gate) {
    RIDE_ASSIGN(auto made, NetworkGate::make(fmt::format("ride-chaos-{}-{}", ::getpid(), name)));
    process.gate = std::move(made);
    arguments = process.gate->within(std::move(arguments));
  }
  process.arguments = std::move(arguments);
  return run(name);
}

Result<void> TestCluster::run(const std::string& name) {
  auto& process = processes_.at(name);
  broker::ProcessPlan plan;
  plan.arguments = process.arguments;
  plan.working_folder = options_.work.empty() ? options_.folder : options_.work;
  plan.output = log_of(name);
  plan.signal_on_parent_death = SIGKILL;
  RIDE_ASSIGN(auto child, broker::ChildProcess::start(plan));
  process.child = std::move(child);
  return {};
}

Result<void> TestCluster::wait_for_master(std::stop_token stop) {
  const std::string mark = "ready on ";
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  const auto& child = *processes_.at("master1").child;
  while (std::chrono::steady_clock::now() < deadline && child.alive() && !stop.stop_requested()) {
    const auto text = file_text(log_of("master1"));
    const auto at = text.find(mark);
    if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
      const auto begin = at + mark.size();
      master_url_ = text.substr(begin, text.find_first_of(" \n", begin) - begin);
      return {};
    }
    std::this_thread::sleep_for(20ms);
  }
  return Error{ErrorCode::unavailable, "the master did not become ready; its log ends with:\n" + log_tail("master1")};
}

std::string TestCluster::log_tail(const std::string& name) const {
  const auto text = file_text(log_of(name));
  return text.substr(text.size() > 2000 ? text.size() - 2000 : 0);
}

std::vector<FaultTarget> TestCluster::candidates(Role role) const {
  std::vector<FaultTarget> all;
  if (role == Role::broker)
    for (int id = 1; id <= brokers_.size(); ++id)
      if (brokers_.alive(id)) all.push_back({role, fmt::format("broker{}", id)});
  for (const auto& [name, process] : processes_) {
    if (!process.child->alive() || name == kCamera) continue;
    const bool master = name.starts_with("master");
    if (role == (master ? Role::master : Role::node)) all.push_back({role, name});
    if (role != Role::worker || master) continue;
    for (const auto pid : descendants_of(process.child->pid()))
      if (const auto worker = name_of(pid); !worker.empty()) all.push_back({role, worker});
  }
  return all;
}

Result<FaultTarget> TestCluster::find(const std::string& name) const {
  std::string there;
  for (const auto role : {Role::broker, Role::master, Role::node, Role::worker}) {
    for (const auto& one : candidates(role)) {
      if (one.name == name) return one;
      there += (there.empty() ? "" : ", ") + one.name;
    }
  }
  return Error{ErrorCode::not_found, fmt::format("there is no '{}' to hit; there are: {}", name, there)};
}

int TestCluster::broker_id(const std::string& name) const { return std::stoi(name.substr(6)); }

std::vector<pid_t> TestCluster::pids_of(const FaultTarget& victim) const {
  if (victim.role == Role::broker) {
    const int id = broker_id(victim.name);
    return brokers_.alive(id) ? std::vector<pid_t>{brokers_.pid(id)} : std::vector<pid_t>{};
  }
  const auto found = processes_.find(victim.role == Role::worker ? node_of(victim.name) : victim.name);
  if (found == processes_.end() || !found->second.child || !found->second.child->alive()) return {};
  std::vector<pid_t> pids;
  if (victim.role != Role::worker) pids.push_back(found->second.child->pid());  // the agent first: it must not tell
  for (const auto pid : descendants_of(found->second.child->pid()))
    if (victim.role != Role::worker || name_of(pid) == victim.name) pids.push_back(pid);
  return pids;
}

void TestCluster::kill(const FaultTarget& victim) {
  if (victim.role == Role::broker) return brokers_.kill(broker_id(victim.name));
  for (const auto pid : pids_of(victim)) ::kill(pid, SIGKILL);
}

void TestCluster::stop(const FaultTarget& victim) {
  for (const auto pid : pids_of(victim)) ::kill(pid, SIGSTOP);
}

void TestCluster::go_on(const FaultTarget& victim) {
  for (const auto pid : pids_of(victim)) ::kill(pid, SIGCONT);
}

Result<void> TestCluster::cut(const FaultTarget& victim) {
  const auto found = processes_.find(victim.name);
  if (found == processes_.end() || !found->second.gate)
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("{} cannot be cut off: nodes and masters can, where the run was started for it", victim.name)};
  return found->second.gate->shut();
}

void TestCluster::mend(const FaultTarget& victim) {
  const auto found = processes_.find(victim.name);
  if (found != processes_.end() && found->second.gate) found->second.gate->open();
}

std::unique_ptr<CpuLimit> TestCluster::slow(const FaultTarget& victim, int percent) {
  return CpuLimit::start(fmt::format("ride-chaos-{}-slow-{}", ::getpid(), victim.name), pids_of(victim), percent);
}

Result<void> TestCluster::bring_back(const FaultTarget& victim) {
  if (victim.role == Role::worker) return {};
  if (victim.role == Role::broker) return brokers_.restart(broker_id(victim.name));
  auto& process = processes_.at(victim.name);
  if (process.child->alive()) return {};
  return run(victim.name);
}

}  // namespace ride::chaos
