#include "tests/faults/local_run.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <thread>

#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "tests/master/http_client.h"

namespace ride::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::string read_all(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<process::ChildProcess> start(const fs::path& folder, const std::string& name,
                                             std::vector<std::string> arguments,
                                             std::vector<std::string> environment = {}) {
  process::ProcessPlan plan;
  plan.arguments = std::move(arguments);
  plan.environment = std::move(environment);
  plan.working_folder = folder;
  plan.output = folder / (name + ".log");
  plan.signal_on_parent_death = SIGKILL;
  return process::ChildProcess::start(plan).value();
}

}  // namespace

namespace {

// Limits are meant for a core that is idle. Where several processes wait for each, it takes as many times as long.
double times_as_slow() {
  double load = 0;
  if (::getloadavg(&load, 1) != 1) return 1;
  return std::clamp(load / std::max(1U, std::thread::hardware_concurrency()), 1.0, 8.0);
}

}  // namespace

bool wait_until(std::chrono::seconds limit, const std::function<bool()>& condition) {
  const auto begun = std::chrono::steady_clock::now();
  while (!condition()) {
    const auto waited = std::chrono::steady_clock::now() - begun;
    if (waited >= limit && waited >= limit * times_as_slow()) return false;
    std::this_thread::sleep_for(50ms);
  }
  return true;
}

LocalRun::LocalRun(std::string brokers, std::string prefix, std::vector<std::string> environment)
    : brokers_(std::move(brokers)), prefix_(std::move(prefix)), environment_(std::move(environment)) {
  start_master();
}

void LocalRun::start_master() {
  fs::remove(folder_ / "port");
  master_ = start(folder(), "master",
                  {std::string(RIDE_PROGRAMS) + "/ride-master", "--brokers", brokers_, "--prefix", prefix_, "--http",
                   "127.0.0.1:0", "--port-file", (folder_ / "port").string()},
                  environment_);
  EXPECT_TRUE(wait_until(30s, [&] { return static_cast<bool>(std::ifstream(folder_ / "port") >> port_); })) << logs();
}

LocalRun::~LocalRun() {
  for (auto& agent : agents_) agent->send_signal(SIGTERM);
  master_->send_signal(SIGTERM);
  for (auto& agent : agents_) agent->wait_until_ended(10s);
  master_->wait_until_ended(10s);
}

void LocalRun::kill_master() {
  master_->send_signal(SIGKILL);
  EXPECT_TRUE(master_->wait_until_ended(10s));
}

void LocalRun::restart_master() { start_master(); }

process::ChildProcess& LocalRun::start_alone(const std::string& program, const std::string& name) {
  agents_.push_back(start(folder(), name,
                          {std::string(RIDE_PROGRAMS) + "/" + program, "--brokers", brokers_, "--prefix", prefix_,
                           "--name", name, "--node", "n1"},
                          environment_));
  return *agents_.back();
}

process::ChildProcess& LocalRun::start_agent(const std::string& node, const std::vector<std::string>& arguments,
                                             const std::string& faults) {
  const fs::path programs = RIDE_PROGRAMS, bin = folder() / ("bin-" + node);
  fs::remove_all(bin);  // of an agent of the same name
  fs::create_directory(bin);
  fs::create_symlink(programs / (faults.empty() || faults == "producer" ? "ride-worker" : "ride-faulty-worker"),
                     bin / "ride-worker");
  fs::create_symlink(programs / (faults == "producer" ? "ride-faulty-producer" : "ride-producer"),
                     bin / "ride-producer");
  std::vector<std::string> all = {(programs / "ride-agent").string(),
                                  "--brokers",
                                  brokers_,
                                  "--prefix",
                                  prefix_,
                                  "--node",
                                  node,
                                  "--bin-dir",
                                  bin.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  auto variables = environment_;
  variables.insert(variables.end(), {"RIDE_TEST_FAULTS=" + faults, "RIDE_TEST_REPAIRED=" + repaired().string()});
  agents_.push_back(start(folder(), node, all, variables));
  return *agents_.back();
}

bool LocalRun::submit(const std::string& topology) {
  const auto answer = master::test::HttpClient(port_).post("/api/v1/jobs", topology);
  EXPECT_EQ(answer.status, 201) << answer.body;
  return answer.status == 201;
}

nlohmann::json LocalRun::get(const std::string& path) const {
  return master::test::HttpClient(port_).get("/api/v1" + path).json();
}

bool LocalRun::cancel(const std::string& job) {
  const auto answer = master::test::HttpClient(port_).send("DELETE", "/api/v1/jobs/" + job);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return wait_until(30s, [&] { return phase(job) == "cancelled"; });
}

LocalRun::Said LocalRun::ride(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--brokers", brokers_, "--prefix", prefix_});
  return ask_master(std::move(arguments));
}

LocalRun::Said LocalRun::ask_cluster(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--brokers", brokers_, "--prefix", prefix_});
  return run(std::move(arguments));
}

LocalRun::Said LocalRun::ask_master(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--master", "http://127.0.0.1:" + std::to_string(port_)});
  return run(std::move(arguments));
}

LocalRun::Said LocalRun::run(std::vector<std::string> arguments) {
  const auto name = "ride-" + std::to_string(++count_);
  arguments.insert(arguments.begin(), std::string(RIDE_PROGRAMS) + "/ride");
  auto process = start(folder(), name, arguments);
  EXPECT_TRUE(process->wait_until_ended(30s));
  return {process->exit_code().value_or(-1), read_all(folder() / (name + ".log"))};
}

std::string LocalRun::phase(const std::string& job) const {
  const auto json = get("/jobs/" + job);
  return json.is_object() ? json.value("phase", "") : "";
}

nlohmann::json LocalRun::stage(const std::string& job, const std::string& stage) const {
  const auto json = get("/stages");
  if (json.is_object())
    for (const auto& one : json.value("stages", nlohmann::json::array()))
      if (one.value("job", "") == job && one.value("stage", "") == stage) return one;
  return nlohmann::json::object();
}

std::string LocalRun::events() const {
  std::string text;
  const auto json = get("/events");
  if (json.is_object())
    for (const auto& event : json.value("events", nlohmann::json::array()))
      text += event.value("code", "") + ": " + event.value("text", "") + "\n";
  return text;
}

std::vector<stream::Record> LocalRun::records(const std::string& topic) const {
  kafka::ClientConfig config;
  config.brokers = brokers_;
  const stream::TopicPartition at{topic, PartitionId{0}};
  auto range = kafka::open_admin(config).value()->range(at);
  std::vector<stream::Record> all;
  if (!range.ok() || range->first == range->end) return all;
  auto reader = kafka::KafkaReader::open(config, {.group = prefix_ + ".test"}).value();
  EXPECT_TRUE(reader->assign(at, range->first).ok());
  wait_until(20s, [&] {
    auto record = reader->poll(50ms);
    if (record.ok() && *record) all.push_back(std::move(**record));
    return !all.empty() && all.back().offset.value + 1 >= range->end.value;
  });
  return all;
}

std::string LocalRun::log_of(const std::string& name) const { return read_all(folder() / (name + ".log")); }

std::string LocalRun::logs() const {
  std::string text;
  for (const auto& entry : fs::directory_iterator(folder()))
    if (entry.path().extension() == ".log")
      text += "---- " + entry.path().filename().string() + "\n" + read_all(entry.path());
  return text;
}

}  // namespace ride::test
