// One Kafka broker, started by us as a child process: folder, ports, storage and settings are prepared, and it counts
// as started when it answers. Call order: start() (or launch() and wait_until_ready()), then stop(); it may be started
// again after that. Owner: the object; its destructor stops the broker. Threads: one at a time, except alive(), which
// any may call. Failure: every Error names place, cause and fix; after a failed start nothing runs and the folder is
// free.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "broker-config/class_archive.h"
#include "broker-config/data_folder.h"
#include "broker-config/secure_folder.h"
#include "broker-config/settings.h"
#include "common/result.h"
#include "process/child_process.h"

namespace ride::broker {

struct LaunchOptions {
  std::filesystem::path data;  // this broker's folder; what an earlier broker left there is continued
  int node_id = 1;
  std::vector<Voter> quorum;  // empty: one embedded broker, its controller port is found by us and kept
  std::string host = "127.0.0.1";
  std::string advertised_host;
  int port = 0;  // 0: the one used before in this folder, else a free one
  std::int64_t max_message_bytes = kDefaultMaxMessageBytes;
  std::string cluster_id;       // empty: the folder's, else worked out from the quorum (random for an embedded broker)
  std::int64_t heap_bytes = 0;  // 0: 1 GiB, more if messages are large
  // For tests: ready in about 1.2 s, but the code is never fully compiled and one thread collects garbage: slow under
  // load.
  bool quick_start = false;
  // Of a broker that runs for minutes, and for the machine's own work beside it: compiled by the fast compiler alone.
  // The optimising one takes more processor time in the first minutes than its code saves (decision 0039).
  bool short_lived = false;
  // It is killed when our process dies, however it dies, and one that survived that is ended by the folder's next
  // start.
  bool die_with_parent = false;
  std::optional<SecureFolder> secure;  // with users, TLS and ACLs
  std::chrono::milliseconds start_deadline{
      240'000};       // 0: wait for as long as the process lives, as nodes of a cluster do
  ReportLine report;  // gets a line about what a person should know of the start; may be empty
};

class BrokerProcess {
 public:
  BrokerProcess() = default;
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // launch() and wait_until_ready(). `stop` breaks the waiting off (cancelled). Tries again where another program took
  // a free port.
  Result<void> start(const LaunchOptions& options, std::stop_token stop = {});
  // Returns when the process runs. The nodes of a cluster are launched together: none is ready before most of them run.
  Result<void> launch(const LaunchOptions& options, std::stop_token stop = {});
  Result<void> wait_until_ready(std::stop_token stop = {});

  // Asks it to end (SIGTERM), kills it after the deadline. False: it had to be killed, which is safe but slower to
  // start again. A request of `hurry` leaves it a second.
  bool stop(std::chrono::milliseconds deadline = std::chrono::seconds(20), std::stop_token hurry = {});
  // SIGKILL at once, for fault tests.
  void kill_now();

  bool alive() const { return child_ && child_->alive(); }
  int pid() const { return child_ ? child_->pid() : 0; }
  int port() const { return port_; }
  std::string bootstrap() const;  // "host:port", for clients
  std::filesystem::path log_file() const;
  // Why it is not alive, from its exit code and log: for messages.
  Error explain_end() const;

 private:
  Result<void> prepare(const LaunchOptions& options, std::stop_token stop);
  Result<void> choose_ports(const LaunchOptions& options, FolderState& state);
  Result<void> format(const std::string& java, const std::string& class_path, std::stop_token stop);
  Result<void> check_secure(const LaunchOptions& options, const FolderState& state) const;
  bool is_ready() const;
  bool wait_for_end(std::chrono::milliseconds deadline, const std::stop_token& hurry);
  void report_slow_start(std::chrono::steady_clock::duration waited);
  Error explain_code(int code, const std::string& who) const;
  void forget();

  LaunchOptions options_;
  std::optional<DataFolder> folder_;
  std::optional<ClassArchive> archive_;
  BrokerConfig config_;
  std::unique_ptr<process::ChildProcess> child_;
  int port_ = 0;
  bool fresh_ports_ = false;      // found by us just now: another program may have taken them since
  std::uintmax_t log_start_ = 0;  // where this start's part of the log begins
  bool reported_slow_ = false;
};

// The settings that start() would render for these options, without touching anything but reading the folder's state.
Result<std::string> preview_settings(const LaunchOptions& options);

}  // namespace ride::broker
