// A whole RIDE on this machine, as child processes: a broker (unless there is a cluster), a master and an agent, which
// starts the workers and producers. All end with us, however we end. Call order: start(), check() now and then, stop().
// Owner: the object; its destructor kills what still runs. Threads: one. Failure: after a failed start() nothing runs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "broker-config/broker_process.h"
#include "cli/core/settings.h"
#include "cli/master_client.h"
#include "common/result.h"
#include "process/program.h"

namespace ride::cli {

struct LocalOptions {
  const Settings* settings = nullptr;
  std::filesystem::path broker_data, logs;
  int slots = 1, producers = 1;
  std::string prefix = "ride";
  std::vector<std::string> output_folders;  // where sinks may write, besides the working folder
  std::vector<std::string> plugins = {};    // of the master and the workers, absolute
  std::vector<std::string> permits = {};    // plug-ins of jobs that the workers may load (--allow-plugin)
  std::vector<std::string> environment;     // "NAME=value" for the agent, its workers and producers, beside ours
  bool any_ports = false;                   // free ports of our choice: for temporary clusters
  bool short_lived = false;                 // a run: the broker's own work is to stay small from the first second on
  bool idle = false;                        // broker and master alone
};

// Whether the master can serve where `http` says; before anything is started. invalid_argument: no HOST:PORT, or not of
// this machine. already_exists: another program listens there, and the port was asked for. Messages name the setting's
// place.
Result<void> check_http(const Settings& settings, bool any_ports);

// What the broker advises, in flags that `ride up` has (`ride run`, in a temporary folder, has none for its place).
std::string in_flags_of_up(std::string advice, bool temporary);

class LocalCluster {
 public:
  using Say = std::function<void(const std::string&)>;

  LocalCluster() = default;
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  // Returns when the workers and producers have reported to the master. `say` gets a line for each step.
  Result<void> start(const LocalOptions& options, std::stop_token stop, const Say& say);
  // unavailable: what should run has ended; the message holds the last lines of its log.
  Result<void> check() const;
  // The workers end in order, and others take their places when all of them have ended; sources go on. Returns at once.
  void renew_workers();
  // Agent (and with it workers and producers), master, broker, each with its deadline; a request of `hurry` ends the
  // patience.
  void stop(std::stop_token hurry, const Say& say);

  const std::string& brokers() const { return brokers_; }
  MasterClient& master() { return *master_; }

 private:
  Result<void> start_broker(std::stop_token stop, const Say& say);
  Result<void> start_master(std::stop_token stop, const Say& say);
  Result<void> start_agent(std::stop_token stop, const Say& say);
  Result<std::unique_ptr<process::Program>> launch(const std::string& program, std::vector<std::string> arguments,
                                                   std::vector<std::string> environment = {}) const;
  Result<void> wait_for_workers(std::stop_token stop, const Say& say);
  Error in_own_flags(Error error) const;
  std::optional<std::string> child_that_keeps_ending();
  Error workers_missing(const std::vector<std::string>& seen, std::int64_t workers, std::int64_t producers) const;
  static void end(std::unique_ptr<process::Program>& program, std::chrono::milliseconds deadline, std::stop_token hurry,
                  const Say& say);

  LocalOptions options_;
  std::unique_ptr<broker::BrokerProcess> broker_;  // none: a cluster of the user's
  std::string brokers_;
  std::unique_ptr<process::Program> master_process_, agent_;
  std::optional<MasterClient> master_;
  std::int64_t events_before_ = 0;  // the agent's start
};

}  // namespace ride::cli
