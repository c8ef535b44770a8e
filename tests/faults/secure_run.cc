#include "tests/faults/secure_run.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "tests/faults/local_run.h"
#include "tests/master/http_client.h"

namespace ride::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::string read_secret(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

SecureRun::SecureRun() = default;

SecureRun::~SecureRun() {
  for (auto* child : {&agent_, &master_})
    if (*child) (*child)->send_signal(SIGTERM);
  for (auto* child : {&agent_, &master_})
    if (*child) (*child)->wait_until_ended(10s);
  stop_broker();
}

SecureRun::Child SecureRun::start(const std::string& name, const std::string& program,
                                  std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), std::string(RIDE_PROGRAMS) + "/" + program);
  return process::ChildProcess::start({.arguments = std::move(arguments),
                                       .environment = {},
                                       .working_folder = folder_.path(),
                                       .output = folder_ / (name + ".log"),
                                       .signal_on_parent_death = SIGKILL})
      .value();
}

std::string SecureRun::start_broker(std::vector<std::string> more) {
  const auto log = folder_ / ("broker-" + std::to_string(++count_) + ".log");
  std::vector<std::string> arguments = {"broker", "--quick-start",  "--port", "0",
                                        "--data", folder_ / "data", "--sasl", folder_ / "users"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  broker_ = start(log.stem(), "ride", std::move(arguments));
  const std::string ready = "broker ready on ";
  wait_until(90s, [&] { return read_secret(log).find(ready) != std::string::npos || !broker_->alive(); });
  const auto text = read_secret(log);
  const auto found = text.find(ready);
  if (found == std::string::npos) return "not ready: " + text;
  const auto start = found + ready.size();
  brokers_ = text.substr(start, text.find('\n', start) - start);
  return {};
}

void SecureRun::stop_broker() {
  if (!broker_) return;
  broker_->send_signal(SIGTERM);
  broker_->wait_until_ended(30s);
  broker_.reset();
}

fs::path SecureRun::config_file(const std::string& user) const {
  return folder_ / "users" / ("ride-" + user + ".conf");
}

std::vector<std::string> SecureRun::cluster(const std::string& user) const {
  std::vector<std::string> arguments = {"--brokers", brokers_};
  if (!user.empty()) arguments.insert(arguments.end(), {"--kafka-config", config_file(user).string()});
  return arguments;
}

std::string SecureRun::start_master() {
  auto arguments = cluster("master");
  arguments.insert(arguments.end(), {"--http", "127.0.0.1:0", "--port-file", folder_ / "port"});
  master_ = start("master", "ride-master", arguments);
  wait_until(60s,
             [&] { return static_cast<bool>(std::ifstream(folder_ / "port") >> http_port_) || !master_->alive(); });
  return http_port_ > 0 ? "" : read_secret(folder_ / "master.log");
}

void SecureRun::start_agent() {
  auto arguments = cluster("agent");
  arguments.insert(arguments.end(), {"--worker-kafka-config", config_file("worker").string(), "--producer-kafka-config",
                                     config_file("producer").string(), "--slots", "3", "--node", "n1"});
  agent_ = start("agent", "ride-agent", arguments);
}

SecureRun::Said SecureRun::run(const std::string& program, std::vector<std::string> arguments) {
  const auto begin = std::chrono::steady_clock::now();
  const auto name = "said-" + std::to_string(++count_);
  auto process = start(name, program, std::move(arguments));
  const bool ended = process->wait_until_ended(30s);
  Said said{ended ? process->exit_code().value_or(-1) : -1, read_secret(folder_ / (name + ".log"))};
  said.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  return said;
}

SecureRun::Said SecureRun::as(const std::string& user, const std::string& program, std::vector<std::string> arguments) {
  const auto more = cluster(user);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(program, std::move(arguments));
}

bool SecureRun::submit(const std::string& topology) {
  const auto answer = master::test::HttpClient(http_port_).post("/api/v1/jobs", topology);
  EXPECT_EQ(answer.status, 201) << answer.body;
  return answer.status == 201;
}

nlohmann::json SecureRun::get(const std::string& path) const {
  return master::test::HttpClient(http_port_).get("/api/v1" + path).json();
}

std::string SecureRun::phase(const std::string& job) const {
  const auto json = get("/jobs/" + job);
  return json.is_object() ? json.value("phase", "") : "";
}

kafka::ClientConfig SecureRun::config(const std::string& user) const {
  kafka::ClientConfig config{.brokers = brokers_, .extra = {}};
  std::ifstream in(config_file(user));
  std::vector<std::string> pairs;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with('#')) pairs.push_back(line);
  config.extra = kafka::parse_client_settings(pairs).value();
  return config;
}

std::vector<std::string> SecureRun::passwords() const {
  std::vector<std::string> all;
  std::ifstream in(folder_ / "users" / "users");
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with('#')) all.push_back(line.substr(line.find(':') + 1));
  return all;
}

std::string SecureRun::logs() const {
  std::string text;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
    if (entry.path().extension() == ".log" && entry.is_regular_file())
      text += "---- " + entry.path().filename().string() + "\n" + read_secret(entry.path());
  return text;
}

}  // namespace ride::test
