#include "testing/process_cluster.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "common/check.h"
#include "process/proc.h"

namespace ride::cluster {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
namespace {

constexpr std::chrono::milliseconds kMasterReady = 180s, kProgramEnd = 8s, kLook = 20ms;

}  // namespace

ProcessCluster::~ProcessCluster() { end(); }

Result<void> ProcessCluster::start(ClusterPlan plan, std::stop_token stop) {
  plan_ = std::move(plan);
  if (plan_.work.empty()) plan_.work = plan_.folder;
  if (plan_.programs.empty()) plan_.programs = process::own_folder();
  broker::ClusterOptions brokers;
  brokers.folder = plan_.folder / "brokers";
  brokers.nodes = plan_.brokers;
  brokers.quick_start = plan_.quick_start;
  RIDE_TRY(brokers_.start(brokers, stop));
  kafka_.brokers = brokers_.bootstrap();
  return {};
}

Result<process::Program*> ProcessCluster::run(const std::string& name, const std::string& program,
                                              std::vector<std::string> arguments) {
  return run_command(name, command(program, std::move(arguments)));
}

Result<process::Program*> ProcessCluster::run_command(const std::string& name, std::vector<std::string> command) {
  RIDE_CHECK(!programs_.contains(name), "two programs have the name " + name);
  auto program = process::Program::start({.name = name,
                                          .arguments = std::move(command),
                                          .environment = {},
                                          .log = plan_.folder / (name + ".log"),
                                          .working_folder = plan_.work,
                                          .signal_on_parent_death = SIGKILL});
  if (!program.ok()) return program.error();
  return programs_.emplace(name, std::move(*program)).first->second.get();
}

Result<void> ProcessCluster::wait_for_master(process::Program& master, std::stop_token stop) {
  RIDE_ASSIGN(auto url, master.wait_for("ready on ", kMasterReady, stop));
  master_url_ = url.substr(0, url.find(','));  // "URL, standing by: ..." of one that does not lead
  return {};
}

void ProcessCluster::end() {
  for (const auto& [name, program] : programs_) program->process().send_signal(SIGTERM);
  for (const auto& [name, program] : programs_)
    if (!program->process().wait_until_ended(kProgramEnd)) program->process().send_signal(SIGKILL);
  programs_.clear();
  brokers_.stop();
}

std::vector<std::string> ProcessCluster::command(const std::string& program, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), (plan_.programs / program).string());
  arguments.insert(arguments.end(), {"--brokers", kafka_.brokers});
  return arguments;
}

process::Program* ProcessCluster::find(const std::string& name) const {
  const auto found = programs_.find(name);
  return found == programs_.end() ? nullptr : found->second.get();
}

std::vector<pid_t> ProcessCluster::tree_of(const std::string& name) const {
  const auto* program = find(name);
  if (program == nullptr || !program->alive()) return {};
  std::vector<pid_t> pids = {program->pid()};
  for (const auto pid : process::descendants_of(program->pid())) pids.push_back(pid);
  return pids;
}

bool wait_until(std::chrono::milliseconds timeout, const std::function<bool()>& condition,
                const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline || stop.stop_requested()) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

}  // namespace ride::cluster
