#include "cli/local/local_cluster.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <thread>

#include "cli/core/fields.h"
#include "cli/core/host_port.h"
#include "cli/find_master.h"
#include "cli/kafka_settings.h"
#include "common/log.h"
#include "common/setting_checks.h"
#include "common/wording.h"
#include "process/free_port.h"
#include "process/own_programs.h"
#include "stream/kafka/admin.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kClusterLook{50};
constexpr std::chrono::seconds kMasterDeadline{60}, kWorkersDeadline{60};
constexpr std::chrono::seconds kAgentEnd{10}, kMasterEnd{5}, kBrokerEnd{20};
constexpr std::size_t kTailLines = 12;
constexpr std::uintmax_t kLargestOldLog = 8 << 20;

Result<int> free_port(const std::string& host) {
  RIDE_ASSIGN(auto ports, process::free_ports(host == "0.0.0.0" ? "127.0.0.1" : host, 1));
  return ports.front();
}

Error cancelled() { return {ErrorCode::cancelled, "stopped while starting"}; }

// One that earlier runs have filled becomes NAME.log.1.
void keep_log_small(const fs::path& log) {
  std::error_code failed;
  const auto size = fs::file_size(log, failed);
  if (!failed && size > kLargestOldLog) fs::rename(log, log.string() + ".1", failed);
}

}  // namespace

Result<void> check_http(const Settings& settings, bool any_ports) {
  RIDE_ASSIGN(const auto http, http_address(settings));
  if (any_ports || http.port == 0) return {};
  const auto free = process::check_port_free(http.host, http.port);
  if (free.ok()) return {};
  const bool taken = free.error().code == ErrorCode::already_exists;
  if (taken && settings.is_default("http")) return {};  // then a free one is taken
  return Error{free.error().code,
               where_and_what(settings, "http") + ": " +
                   (taken ? "another program listens there. Name another port, or port 0 for a free one"
                          : free.error().message)};
}

std::string in_flags_of_up(std::string advice, bool temporary) {
  const std::pair<std::string_view, std::string_view> kMeant[] = {
      {"--data", temporary ? "TMPDIR" : "--state"},
      {"--heap", "a broker of your own: ride broker --heap (then --brokers here)"},
      {"--sasl", "a broker of your own: ride broker --sasl (then --brokers here)"}};
  for (const auto& [flag, meant] : kMeant)
    for (std::size_t at = advice.find(flag); at != std::string::npos; at = advice.find(flag, at + meant.size()))
      advice.replace(at, flag.size(), meant);
  return advice;
}

Error LocalCluster::in_own_flags(Error error) const {
  error.message = in_flags_of_up(std::move(error.message), options_.any_ports);
  return error;
}

LocalCluster::~LocalCluster() = default;  // children are killed by their owners

Result<void> LocalCluster::start(const LocalOptions& options, std::stop_token stop, const Say& say) {
  options_ = options;
  auto started = start_broker(stop, say);
  if (started.ok()) started = start_master(stop, say);
  if (started.ok() && !options_.idle) started = start_agent(stop, say);
  if (started.ok() && !options_.idle) started = wait_for_workers(stop, say);
  if (!started.ok()) this->stop({}, [](const std::string&) {});
  return started;
}

Result<void> LocalCluster::start_broker(std::stop_token stop, const Say& say) {
  const Settings& settings = *options_.settings;
  if (!settings.is_default("brokers")) {
    brokers_ = settings.text("brokers");
    RIDE_ASSIGN(auto config, kafka_config(settings));
    RIDE_ASSIGN([[maybe_unused]] const auto answers, kafka::open_admin(config, std::chrono::seconds(5)));
    say(fmt::format("Kafka: the cluster at {}", brokers_));
    return {};
  }
  const auto largest = check_max_message_bytes(settings.text("max-message-bytes"));
  if (!largest.ok()) return Error{ErrorCode::invalid_argument, "max-message-bytes: " + largest.error().message};
  broker::LaunchOptions launch;
  launch.data = options_.broker_data;
  launch.max_message_bytes = *largest;
  launch.report = [say, temporary = options_.any_ports](const std::string& text) {
    say(in_flags_of_up(text, temporary));
  };
  launch.die_with_parent = true;
  launch.short_lived = options_.short_lived;
  launch.port = options_.any_ports ? 0 : static_cast<int>(settings.integer("broker-port"));
  // Another RIDE or Kafka may have the usual port; one that was asked for is insisted on.
  if (settings.is_default("broker-port") && !process::check_port_free(launch.host, launch.port).ok()) launch.port = 0;
  const auto begin = Clock::now();
  broker_ = std::make_unique<broker::BrokerProcess>();
  if (auto started = broker_->start(launch, stop); !started.ok()) {
    broker_.reset();
    return in_own_flags(started.error());
  }
  brokers_ = broker_->bootstrap();
  say(fmt::format("Kafka: broker at {}, ready after {:.1f} s", brokers_,
                  std::chrono::duration<double>(Clock::now() - begin).count()));
  return {};
}

Result<std::unique_ptr<process::Program>> LocalCluster::launch(const std::string& program,
                                                               std::vector<std::string> arguments,
                                                               std::vector<std::string> environment) const {
  RIDE_ASSIGN(auto path, process::find_program(program));
  const fs::path log = options_.logs / (program.substr(5) + ".log");
  keep_log_small(log);
  arguments.insert(arguments.begin(), path);
  std::error_code ignored;
  return process::Program::start({.name = program,
                                  .arguments = std::move(arguments),
                                  .environment = std::move(environment),
                                  .log = log,
                                  .working_folder = fs::current_path(ignored),
                                  .signal_on_parent_death = SIGTERM});  // it ends its children in order
}

Result<void> LocalCluster::start_master(std::stop_token stop, const Say& say) {
  const Settings& settings = *options_.settings;
  if (auto usable = check_http(settings, options_.any_ports); !usable.ok()) return usable;  // as it is by now
  RIDE_ASSIGN(auto http, http_address(settings));
  if (http.port == 0 || options_.any_ports || !process::check_port_free(http.host, http.port).ok()) {
    RIDE_ASSIGN(const auto port, free_port(http.host));
    http.port = port;
  }
  const std::string address = to_string(http);
  auto arguments = kafka_arguments(settings, brokers_, options_.prefix);
  arguments.insert(arguments.end(), {"--http", address, "--loss-ticks", std::to_string(settings.integer("loss-ticks")),
                                     "--tick-interval", settings.text("tick-interval")});
  for (const auto& plugin : options_.plugins) arguments.insert(arguments.end(), {"--plugin", plugin});
  if (!settings.text("token-file").empty())
    arguments.insert(arguments.end(), {"--token-file", settings.text("token-file")});
  RIDE_ASSIGN(const auto token, master_token(settings));
  RIDE_ASSIGN(auto launched, launch("ride-master", std::move(arguments)));
  master_process_ = std::move(launched);
  auto client = MasterClient::open(
      "http://" + to_string(HostPort{http.host == "0.0.0.0" ? "127.0.0.1" : http.host, http.port}), token);
  if (!client.ok()) return client.error();
  master_ = std::move(*client);
  for (const auto deadline = Clock::now() + kMasterDeadline; !master_->ready();
       std::this_thread::sleep_for(kClusterLook)) {
    if (stop.stop_requested()) return cancelled();
    RIDE_TRY(check());
    if (Clock::now() > deadline) {
      return Error{
          ErrorCode::timeout,
          fmt::format("the master did not become ready within {} s. Its log ({}) ends with:\n{}",
                      kMasterDeadline.count(), master_process_->log().string(), master_process_->last_words())};
    }
  }
  say("master: " + master_->url());
  return {};
}

Result<void> LocalCluster::start_agent(std::stop_token, const Say&) {
  if (const auto events = master_->fetch("/events?after=0&limit=1000"); events.ok())
    for (const Json& event : list_of(*events, "events"))
      events_before_ = std::max(events_before_, count_of(event, "n"));
  auto arguments = kafka_arguments(*options_.settings, brokers_, options_.prefix);
  arguments.insert(arguments.end(), {"--slots", std::to_string(options_.slots), "--producers",
                                     std::to_string(options_.producers), "--log-dir", options_.logs.string()});
  // The working folder, where relative paths begin, and what the file at hand names.
  arguments.insert(arguments.end(), {"--output", "."});
  for (const auto& folder : options_.output_folders) arguments.insert(arguments.end(), {"--output", folder});
  for (const auto& plugin : options_.plugins) arguments.insert(arguments.end(), {"--plugin", plugin});
  for (const auto& permit : options_.permits) arguments.insert(arguments.end(), {"--allow-plugin", permit});
  RIDE_ASSIGN(auto launched, launch("ride-agent", std::move(arguments), options_.environment));
  agent_ = std::move(launched);
  return {};
}

Result<void> LocalCluster::wait_for_workers(std::stop_token stop, const Say& say) {
  const auto deadline = Clock::now() + kWorkersDeadline;
  for (;; std::this_thread::sleep_for(kClusterLook)) {
    if (stop.stop_requested()) return cancelled();
    RIDE_TRY(check());
    const auto workers = master_->fetch("/workers");
    if (!workers.ok() && !workers.error().retriable) return workers.error();
    std::int64_t live = 0, producers = 0;
    std::vector<std::string> seen;
    if (workers.ok()) {
      for (const Json& worker : list_of(*workers, "workers")) {
        // Those of an earlier run are shown until the master has missed them: they were not seen by this one.
        if (text_of(worker, "state", "live") != "live" || !text_of(worker, "reason").empty()) continue;
        live += text_of(worker, "kind") == "worker" ? 1 : 0;
        producers += text_of(worker, "kind") == "producer" ? 1 : 0;
        seen.push_back(text_of(worker, "name"));
      }
    }
    if (live >= options_.slots && producers >= options_.producers) {
      say(fmt::format("agent: {}, {}", counted(live, "worker"), counted(producers, "producer")));
      return {};
    }
    if (const auto why = child_that_keeps_ending()) return Error{ErrorCode::internal, *why};
    if (Clock::now() > deadline) return workers_missing(seen, live, producers);
  }
}

// The agent reports it after a few tries, with the child's last log line: waiting for the deadline would not help.
std::optional<std::string> LocalCluster::child_that_keeps_ending() {
  const auto events = master_->fetch(fmt::format("/events?after={}&limit=1000", events_before_));
  if (!events.ok()) return std::nullopt;
  for (const Json& event : list_of(*events, "events"))
    if (text_of(event, "code") == "child_keeps_ending") return text_of(event, "text");
  return std::nullopt;
}

Error LocalCluster::workers_missing(const std::vector<std::string>& seen, std::int64_t workers,
                                    std::int64_t producers) const {
  const std::string text = fmt::format("only {} of {} and {} of {} started", workers, counted(options_.slots, "worker"),
                                       producers, counted(options_.producers, "producer"));
  std::error_code failed;
  std::set<fs::path> logs;
  for (const auto& entry : fs::directory_iterator(options_.logs, failed)) logs.insert(entry.path());
  for (const auto& log : logs) {
    const std::string name = log.stem().string();
    const bool child = name.find("-w") != std::string::npos || name.find("-p") != std::string::npos;
    if (!child || log.extension() != ".log" || std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    return {ErrorCode::internal, fmt::format("{}. The log of {} ({}) ends with:\n{}", text, name, log.string(),
                                             process::log_tail(log, 0, kTailLines))};
  }
  return {ErrorCode::internal,
          fmt::format("{}. The agent's log ({}) ends with:\n{}", text, agent_->log().string(), agent_->last_words())};
}

Result<void> LocalCluster::check() const {
  if (broker_ && !broker_->alive()) return in_own_flags(broker_->explain_end());
  for (const auto* program : {&master_process_, &agent_})
    if (*program && !(*program)->alive()) return (*program)->explain_end();
  return {};
}

void LocalCluster::renew_workers() {
  if (agent_) agent_->process().send_signal(SIGUSR1);
}

void LocalCluster::end(std::unique_ptr<process::Program>& program, milliseconds deadline, std::stop_token hurry,
                       const Say& say) {
  if (program && !program->end(deadline, hurry)) say(fmt::format("{} did not end and is killed", program->name()));
  program.reset();
}

void LocalCluster::stop(std::stop_token hurry, const Say& say) {
  end(agent_, kAgentEnd, hurry, say);
  end(master_process_, kMasterEnd, hurry, say);
  if (broker_) broker_->stop(kBrokerEnd, hurry);
  broker_.reset();
}

}  // namespace ride::cli
