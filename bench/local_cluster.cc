#include "bench/local_cluster.h"

#include <httplib.h>
#include <stdlib.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/file_text.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

std::filesystem::path own_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

}  // namespace

bool wait_until(std::chrono::milliseconds timeout, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

ProcessUsage usage_of(int pid) {
  ProcessUsage usage;
  const auto stat = file_text("/proc/" + std::to_string(pid) + "/stat");
  if (const auto end = stat.rfind(')'); end != std::string::npos) {
    std::istringstream fields(stat.substr(end + 2));
    std::string skip;
    for (int i = 0; i < 11; ++i) fields >> skip;
    double user = 0, system = 0;
    fields >> user >> system;
    usage.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  std::istringstream status(file_text("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) usage.peak_rss_mb = std::stod(line.substr(6)) / 1024;
  return usage;
}

Result<std::unique_ptr<LocalCluster>> LocalCluster::start(const LocalOptions& wanted) {
  auto cluster = std::unique_ptr<LocalCluster>(new LocalCluster());
  std::string name = (std::filesystem::temp_directory_path() / "ride-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    return Error{ErrorCode::resource_exhausted,
                 "cannot make a folder in " + std::filesystem::temp_directory_path().string()};
  cluster->folder_ = name;
  if (wanted.brokers > 1) {
    broker::ClusterOptions several;
    several.folder = cluster->folder_ / "brokers";
    several.nodes = wanted.brokers;
    several.quick_start = wanted.quick_start;
    RIDE_TRY(cluster->brokers_.start(several));
    cluster->kafka_.brokers = cluster->brokers_.bootstrap();
    return cluster;
  }
  broker::LaunchOptions options;
  options.quick_start = wanted.quick_start;
  options.data = cluster->folder_ / "broker";
  options.die_with_parent = true;
  RIDE_TRY(cluster->broker_.start(options));
  cluster->kafka_.brokers = cluster->broker_.bootstrap();
  return cluster;
}

LocalCluster::~LocalCluster() {
  for (auto it = children_.rbegin(); it != children_.rend(); ++it) (*it)->send_signal(SIGTERM);
  for (auto it = children_.rbegin(); it != children_.rend(); ++it)
    if (!(*it)->wait_until_ended(8s)) (*it)->send_signal(SIGKILL);
  children_.clear();
  broker_.stop();
  brokers_.stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<broker::ChildProcess*> LocalCluster::run(const std::string& program, std::vector<std::string> arguments) {
  broker::ProcessPlan plan;
  plan.arguments = {(own_folder() / program).string()};
  plan.arguments.insert(plan.arguments.end(), arguments.begin(), arguments.end());
  plan.working_folder = folder_;
  plan.output = folder_ / (program + "-" + std::to_string(count_++) + ".log");
  plan.signal_on_parent_death = SIGKILL;
  RIDE_ASSIGN(auto child, broker::ChildProcess::start(plan));
  children_.push_back(std::move(child));
  return children_.back().get();
}

Result<broker::ChildProcess*> LocalCluster::run_master() {
  const auto log = folder_ / ("ride-master-" + std::to_string(count_) + ".log");
  RIDE_ASSIGN(auto master, run("ride-master", {"--brokers", brokers(), "--http", "127.0.0.1:0"}));
  const std::string mark = "ready on http://";
  const bool ready = wait_until(30s, [&] {
    const auto text = file_text(log);
    const auto at = text.find(mark);
    if (at == std::string::npos || text.find('\n', at) == std::string::npos) return !master->alive();
    const auto begin = at + mark.size() - 7;
    master_url_ = text.substr(begin, text.find_first_of(" \n", begin) - begin);
    return true;
  });
  if (!ready || master_url_.empty())
    return Error{ErrorCode::unavailable, "the master did not become ready:\n" + file_text(log)};
  return master;
}

Result<void> LocalCluster::submit(const std::string& topology) {
  httplib::Client client(master_url_);
  client.set_read_timeout(30s);
  const auto answer = client.Post("/api/v1/jobs", topology, "application/yaml");
  if (!answer) return Error{ErrorCode::unavailable, "the master at " + master_url_ + " does not answer"};
  if (answer->status != 201) return Error{ErrorCode::invalid_argument, answer->body};
  return {};
}

Result<void> LocalCluster::cancel(const std::string& job) {
  httplib::Client client(master_url_);
  const auto answer = client.Delete("/api/v1/jobs/" + job);
  if (!answer || answer->status != 200)
    return Error{ErrorCode::unavailable, "cannot cancel job " + job + (answer ? ": " + answer->body : std::string())};
  return wait_for_phase(job, "cancelled", 30s);
}

Result<void> LocalCluster::post(const std::string& path, const nlohmann::json& body) {
  httplib::Client client(master_url_);
  client.set_read_timeout(10s);
  const auto answer = client.Post("/api/v1" + path, body.is_null() ? "" : body.dump(), "application/json");
  if (answer && answer->status >= 200 && answer->status < 300) return {};
  return Error{ErrorCode::unavailable,
               "POST " + path + " of " + master_url_ + " failed" + (answer ? ": " + answer->body : std::string())};
}

Result<void> LocalCluster::drain(const std::string& job) {
  RIDE_TRY(post("/jobs/" + job + "/drain", nullptr));
  return wait_for_phase(job, "completed", 60s);
}

Result<nlohmann::json> LocalCluster::get(const std::string& path) {
  httplib::Client client(master_url_);
  client.set_read_timeout(10s);
  const auto answer = client.Get("/api/v1" + path);
  if (!answer || answer->status != 200)
    return Error{ErrorCode::unavailable, "GET " + path + " of " + master_url_ + " failed", true};
  auto json = nlohmann::json::parse(answer->body, nullptr, false);
  if (json.is_discarded()) return Error{ErrorCode::corrupt, "GET " + path + " is no JSON"};
  return json;
}

Result<void> LocalCluster::wait_for_phase(const std::string& job, const std::string& phase,
                                          std::chrono::seconds timeout) {
  std::string last = "unknown";
  const bool reached = wait_until(timeout, [&] {
    auto answer = get("/jobs/" + job);
    if (answer.ok()) last = answer->value("phase", "");
    return last == phase || last == "failed";
  });
  if (reached && last == phase) return {};
  return Error{ErrorCode::timeout, "job " + job + " is in phase '" + last + "', not '" + phase + "'"};
}

}  // namespace ride::bench
