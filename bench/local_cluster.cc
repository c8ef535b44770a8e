#include "bench/local_cluster.h"

#include <httplib.h>

#include "process/proc.h"
#include "process/temp_folder.h"

namespace ride::bench {

using namespace std::chrono_literals;

ProcessUsage usage_of(int pid) {
  constexpr double kMb = 1 << 20;
  const auto stat = process::read_stat(pid);
  return {stat ? stat->cpu_seconds : 0, static_cast<double>(process::peak_memory_of(pid)) / kMb};
}

Result<std::unique_ptr<LocalCluster>> LocalCluster::start(const LocalOptions& wanted) {
  RIDE_ASSIGN(auto folder, process::make_temp_folder("ride-bench"));
  auto cluster = std::unique_ptr<LocalCluster>(new LocalCluster(folder));
  auto started = cluster->processes_.start(
      {.folder = folder, .work = {}, .programs = {}, .brokers = wanted.brokers, .quick_start = wanted.quick_start});
  if (!started.ok()) return started.error();
  return cluster;
}

LocalCluster::~LocalCluster() {
  processes_.end();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<process::Program*> LocalCluster::launch(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), (process::own_folder() / program).string());
  return processes_.run_command(program + "-" + std::to_string(count_++), std::move(arguments));
}

Result<process::ChildProcess*> LocalCluster::run(const std::string& program, std::vector<std::string> arguments) {
  RIDE_ASSIGN(auto started, launch(program, std::move(arguments)));
  return &started->process();
}

Result<process::ChildProcess*> LocalCluster::run_master() {
  RIDE_ASSIGN(auto master, launch("ride-master", {"--brokers", brokers(), "--http", "127.0.0.1:0"}));
  RIDE_TRY(processes_.wait_for_master(*master));
  return &master->process();
}

Result<void> LocalCluster::submit(const std::string& topology) {
  httplib::Client client(master_url());
  client.set_read_timeout(30s);
  const auto answer = client.Post("/api/v1/jobs", topology, "application/yaml");
  if (!answer) return Error{ErrorCode::unavailable, "the master at " + master_url() + " does not answer"};
  if (answer->status != 201) return Error{ErrorCode::invalid_argument, answer->body};
  return {};
}

Result<void> LocalCluster::cancel(const std::string& job) {
  httplib::Client client(master_url());
  const auto answer = client.Delete("/api/v1/jobs/" + job);
  if (!answer || answer->status != 200)
    return Error{ErrorCode::unavailable, "cannot cancel job " + job + (answer ? ": " + answer->body : std::string())};
  return wait_for_phase(job, "cancelled", 30s);
}

Result<void> LocalCluster::post(const std::string& path, const nlohmann::json& body) {
  httplib::Client client(master_url());
  client.set_read_timeout(10s);
  const auto answer = client.Post("/api/v1" + path, body.is_null() ? "" : body.dump(), "application/json");
  if (answer && answer->status >= 200 && answer->status < 300) return {};
  return Error{ErrorCode::unavailable,
               "POST " + path + " of " + master_url() + " failed" + (answer ? ": " + answer->body : std::string())};
}

Result<void> LocalCluster::drain(const std::string& job) {
  RIDE_TRY(post("/jobs/" + job + "/drain", nullptr));
  return wait_for_phase(job, "completed", 180s);
}

Result<nlohmann::json> LocalCluster::get(const std::string& path) {
  httplib::Client client(master_url());
  client.set_read_timeout(10s);
  const auto answer = client.Get("/api/v1" + path);
  if (!answer || answer->status != 200)
    return Error{ErrorCode::unavailable, "GET " + path + " of " + master_url() + " failed", true};
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
