#include "chaos/test_cluster.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "process/proc.h"

namespace ride::chaos {
namespace {

constexpr const char* kCamera = "camera";

// What stands behind --name on its command line.
std::string name_of(pid_t pid) {
  const auto words = process::command_line_of(pid);
  const auto flag = std::find(words.begin(), words.end(), "--name");
  return flag == words.end() || flag + 1 == words.end() ? std::string() : *(flag + 1);
}

std::string node_of(const std::string& worker) { return worker.substr(0, worker.rfind("-w")); }

}  // namespace

const char* to_string(Role role) {
  static constexpr const char* kNames[] = {"worker", "node", "master", "broker"};
  return kNames[static_cast<std::size_t>(role)];
}

Result<std::unique_ptr<TestCluster>> TestCluster::start(const TestClusterOptions& options, std::stop_token stop) {
  auto test_cluster = std::unique_ptr<TestCluster>(new TestCluster(options));
  RIDE_TRY(test_cluster->begin(stop));
  return test_cluster;
}

Result<void> TestCluster::begin(std::stop_token stop) {
  auto started = cluster_.start({.folder = options_.folder,
                                 .work = options_.work,
                                 .programs = options_.programs,
                                 .brokers = options_.brokers,
                                 .quick_start = options_.quick_start},
                                stop);
  if (!started.ok()) return started;
  for (int i = 1; i <= options_.masters; ++i) {
    const auto name = fmt::format("master{}", i);
    RIDE_ASSIGN(auto master, add(name, "ride-master", with_plugins({"--http", "127.0.0.1:0"}), options_.gates));
    if (i > 1) continue;  // the first one makes the topics
    RIDE_TRY(cluster_.wait_for_master(*master, stop));
  }
  const auto agent = [this](const std::string& node, int slots, int producers, bool gate) -> Result<void> {
    std::vector<std::string> words = {
        "--node", node, "--slots", std::to_string(slots), "--producers", std::to_string(producers)};
    for (const auto& folder : options_.outputs) words.insert(words.end(), {"--output", folder});
    auto added = add(node, "ride-agent", with_plugins(std::move(words)), gate);
    return added.ok() ? Result<void>() : added.error();
  };
  RIDE_TRY(agent(kCamera, 0, 1, false));
  for (int i = 1; i <= options_.nodes; ++i)
    RIDE_TRY(agent(fmt::format("node{}", i), options_.slots, 0, options_.gates));
  return {};
}

// What is cut off or stopped could not end.
TestCluster::~TestCluster() {
  for (auto& [name, gate] : gates_) gate->open();
  for (const auto& [name, program] : cluster_.programs())
    for (const auto pid : cluster_.tree_of(name)) ::kill(pid, SIGCONT);
  cluster_.end();
}

std::vector<std::string> TestCluster::with_plugins(std::vector<std::string> arguments) const {
  for (const auto& file : options_.plugins) arguments.insert(arguments.end(), {"--plugin", file});
  return arguments;
}

Result<process::Program*> TestCluster::add(const std::string& name, const std::string& program,
                                           std::vector<std::string> arguments, bool gate) {
  if (!gate) return cluster_.run(name, program, std::move(arguments));
  RIDE_ASSIGN(auto made, NetworkGate::make(fmt::format("ride-chaos-{}-{}", ::getpid(), name)));
  const auto& own = gates_.emplace(name, std::move(made)).first->second;
  return cluster_.run_command(name, own->within(cluster_.command(program, std::move(arguments))));
}

std::vector<FaultTarget> TestCluster::candidates(Role role) const {
  std::vector<FaultTarget> all;
  if (role == Role::broker)
    for (int id = 1; id <= cluster_.brokers().size(); ++id)
      if (cluster_.brokers().alive(id)) all.push_back({role, fmt::format("broker{}", id)});
  for (const auto& [name, program] : cluster_.programs()) {
    if (!program->alive() || name == kCamera) continue;
    const bool master = name.starts_with("master");
    if (role == (master ? Role::master : Role::node)) all.push_back({role, name});
    if (role != Role::worker || master) continue;
    for (const auto pid : cluster_.tree_of(name))
      if (const auto worker = name_of(pid); !worker.empty()) all.push_back({role, worker});
  }
  return all;
}

std::vector<TestCluster::Ended> TestCluster::ended() const {
  std::vector<Ended> all;
  for (const auto& [name, program] : cluster_.programs()) {
    if (program->alive()) continue;
    const FaultTarget victim{name.starts_with("master") ? Role::master : Role::node, name};
    all.push_back({victim, program->explain_end().message, program->process().exit_code().value_or(0) > 128});
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
    return cluster_.brokers().alive(id) ? std::vector<pid_t>{cluster_.brokers().pid(id)} : std::vector<pid_t>{};
  }
  auto pids = cluster_.tree_of(victim.role == Role::worker ? node_of(victim.name)
                                                           : victim.name);  // the agent first: it must not report
  if (victim.role == Role::worker) std::erase_if(pids, [&](pid_t pid) { return name_of(pid) != victim.name; });
  return pids;
}

void TestCluster::kill(const FaultTarget& victim) {
  if (victim.role == Role::broker) return cluster_.brokers().kill(broker_id(victim.name));
  for (const auto pid : pids_of(victim)) ::kill(pid, SIGKILL);
}

void TestCluster::stop(const FaultTarget& victim) {
  for (const auto pid : pids_of(victim)) ::kill(pid, SIGSTOP);
}

void TestCluster::go_on(const FaultTarget& victim) {
  for (const auto pid : pids_of(victim)) ::kill(pid, SIGCONT);
}

Result<void> TestCluster::cut(const FaultTarget& victim) {
  const auto found = gates_.find(victim.name);
  if (found == gates_.end())
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("{} cannot be cut off: nodes and masters can, where the run was started for it", victim.name)};
  return found->second->shut();
}

void TestCluster::repair(const FaultTarget& victim) {
  if (const auto found = gates_.find(victim.name); found != gates_.end()) found->second->open();
}

std::unique_ptr<CpuLimit> TestCluster::slow(const FaultTarget& victim, int percent) {
  return CpuLimit::start(fmt::format("ride-chaos-{}-slow-{}", ::getpid(), victim.name), pids_of(victim), percent);
}

bool TestCluster::runs(const FaultTarget& victim) const {
  const auto* program = cluster_.find(victim.name);
  return program != nullptr && program->alive();
}

Result<void> TestCluster::bring_back(const FaultTarget& victim) {
  if (victim.role == Role::worker) return {};
  if (victim.role == Role::broker) return cluster_.brokers().restart(broker_id(victim.name));
  auto* program = cluster_.find(victim.name);
  return program == nullptr || program->alive() ? Result<void>() : program->start_again();
}

}  // namespace ride::chaos
