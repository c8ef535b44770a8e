#include "broker-config/broker_process.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include "broker-config/disk_space.h"
#include "broker-config/java.h"
#include "broker-config/java_command.h"
#include "broker-config/kafka_libs.h"
#include "broker-config/log_reader.h"
#include "broker-config/probe.h"
#include "common/file_text.h"
#include "common/secret_file.h"
#include "process/free_port.h"
#include "process/tcp.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kPortAttempts = 3;
constexpr std::uintmax_t kLargestLog = 16 << 20;
constexpr milliseconds kPollInterval{20};
constexpr milliseconds kLeaveWithoutMajority{1500};
constexpr milliseconds kStopUnready{1000};  // one that never was ready has nothing to save
constexpr milliseconds kHurried{1000};
constexpr std::chrono::seconds kSlowStart{10};
constexpr milliseconds kFormatDeadline{240'000};

Error cancelled() { return {ErrorCode::cancelled, "the start of the broker was interrupted"}; }

// The log of earlier runs is kept, up to a size, then moved aside.
std::uintmax_t rotate_log(const fs::path& log) {
  std::error_code failed;
  const auto size = fs::file_size(log, failed);
  if (failed) return 0;
  if (size < kLargestLog) return size;
  fs::rename(log, log.string() + ".1", failed);
  return failed ? size : 0;
}

// The address that we, on the same machine, reach it at.
std::string reachable(const std::string& host) {
  return host == "0.0.0.0" || host.empty() ? "127.0.0.1" : host == "::" ? "::1" : host;
}

BrokerConfig make_config(const LaunchOptions& options, const FolderState& state, const fs::path& kafka_files) {
  return {.node_id = options.node_id,
          .quorum = state.quorum,
          .host = options.host,
          .advertised_host = options.advertised_host,
          .port = state.port,
          .log_dir = kafka_files.string(),
          .max_message_bytes = options.max_message_bytes,
          .security = options.secure ? std::optional(options.secure->security) : std::nullopt};
}

// The storage tool reads them from a file: its arguments are for all to see.
std::string scram_arguments(const std::vector<BrokerUser>& users) {
  std::string text;
  for (const auto& user : users)
    text += fmt::format("--add-scram\nSCRAM-SHA-512=[name={},password={}]\n", user.name, user.password);
  return text;
}

}  // namespace

BrokerProcess::~BrokerProcess() { stop(); }

Result<void> BrokerProcess::start(const LaunchOptions& options, std::stop_token stop) {
  for (int attempt = 1;; ++attempt) {
    auto started = launch(options, stop);
    if (started.ok()) started = wait_until_ready(stop);
    const bool race = !started.ok() && started.error().code == ErrorCode::already_exists && fresh_ports_;
    if (started.ok() || !race || attempt == kPortAttempts) return started;
  }
}

Result<void> BrokerProcess::launch(const LaunchOptions& options, std::stop_token stop) {
  RIDE_CHECK(!alive(), "a broker is started twice");
  options_ = options;
  reported_slow_ = false;
  RIDE_ASSIGN(const auto java, find_java(stop));
  RIDE_ASSIGN(const auto libs, find_kafka_libs());
  if (auto prepared = prepare(options, stop); !prepared.ok()) {
    folder_.reset();
    return prepared.error();
  }
  folder_->note_process(0, options.die_with_parent);
  archive_.emplace(java, libs);
  const std::string class_path = class_path_of(libs);
  if (!folder_->state().formatted) {
    if (auto formatted = format(java.program, class_path, stop); !formatted.ok()) {
      forget();
      return formatted.error();
    }
  }
  const JavaCommand command{
      java.program,
      class_path,
      archive_->flags(),
      options.heap_bytes ? options.heap_bytes : default_heap_bytes(options.max_message_bytes, options.quick_start),
      options.quick_start,
      options.short_lived};
  auto child = process::ChildProcess::start(
      {.arguments = broker_command(command, folder_->settings_file()),
       .environment = {"LC_ALL=C.UTF-8"},  // Java reads and writes file names by the locale
       .working_folder = folder_->root(),
       .output = folder_->log_file(),
       .inherited = folder_->lock_descriptor(),
       // Not SIGTERM: Kafka's orderly end can hang, and nobody would be there to see it. What was
       // acknowledged is kept; the next start looks its files through.
       .signal_on_parent_death = options.die_with_parent ? SIGKILL : 0});
  if (!child.ok()) {
    forget();
    return child.error();
  }
  child_ = std::move(*child);
  folder_->note_process(child_->pid(), options.die_with_parent);
  return {};
}

// Folder, ports, settings file: all that is decided before Java runs.
Result<void> BrokerProcess::prepare(const LaunchOptions& options, std::stop_token stop) {
  RIDE_ASSIGN(auto opened, DataFolder::open(options.data, stop, options.report));
  folder_.emplace(std::move(opened));
  FolderState state = folder_->state();
  if (!folder_->fresh() && state.node_id != options.node_id) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the folder {} belongs to node {}, not {}: give that --id, or another folder",
                             folder_->root().string(), state.node_id, options.node_id)};
  }
  if (state.formatted) {
    RIDE_TRY(folder_->check_kafka_files());
    RIDE_TRY(check_secure(options, state));
    if (!options.cluster_id.empty() && options.cluster_id != state.cluster_id) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("the folder {} belongs to cluster {}, not {}: give another folder",
                               folder_->root().string(), state.cluster_id, options.cluster_id)};
    }
  } else if (auto cleared = folder_->clear_kafka_files(); !cleared.ok()) {
    return cleared;
  }
  RIDE_TRY(choose_ports(options, state));
  state.node_id = options.node_id;
  if (!options.cluster_id.empty()) state.cluster_id = options.cluster_id;
  state.secure = options.secure.has_value();
  if (state.cluster_id.empty())
    state.cluster_id = options.quorum.empty() ? random_cluster_id() : cluster_id_of(options.quorum);

  config_ = make_config(options, state, folder_->kafka_files());
  port_ = state.port;
  RIDE_TRY(check_config(config_));
  RIDE_TRY(folder_->save(state));
  log_start_ = rotate_log(folder_->log_file());
  const auto settings = render_settings(config_);
  if (!config_.security) return write_file(folder_->settings_file(), settings);
  // Kafka's own files hold what passwords are checked with, and all frames.
  std::error_code failed;
  fs::permissions(folder_->root(), fs::perms::owner_all, failed);
  if (failed)
    return Error{ErrorCode::permission,
                 fmt::format("cannot close {} to others: {}", folder_->root().string(), failed.message())};
  return write_secret_file(folder_->settings_file(), settings);
}

// Users are written when the storage is new, and an open broker on their data would ask nobody for a password.
Result<void> BrokerProcess::check_secure(const LaunchOptions& options, const FolderState& state) const {
  if (options.secure.has_value() == state.secure) return {};
  const auto root = folder_->root().string();
  return Error{
      ErrorCode::invalid_argument,
      state.secure
          ? fmt::format("the broker's data in {} was made with users and passwords: start it with --sasl FOLDER", root)
          : fmt::format("the broker's data in {} was made without users: with --sasl give a new folder (--data), and "
                        "submit the jobs again",
                        root)};
}

Result<void> BrokerProcess::choose_ports(const LaunchOptions& options, FolderState& state) {
  const bool first_time = state.quorum.empty() || state.port == 0;
  // Ports that we found ourselves may have been taken before the first start came through: then others will do as well.
  const bool again = fresh_ports_ && !folder_->state().formatted;
  const bool embedded = options.quorum.empty();
  fresh_ports_ = (first_time || again) && (options.port == 0 || embedded);
  if (fresh_ports_) {
    RIDE_ASSIGN(const auto found, process::free_ports(options.host, 2));
    state.port = found[0];
    if (embedded) state.quorum = {{options.node_id, reachable(options.host), found[1]}};
  }
  if (options.port != 0) state.port = options.port;
  if (!embedded) state.quorum = options.quorum;
  RIDE_TRY(process::check_port_free(options.host, state.port));
  const auto own = std::ranges::find(state.quorum, options.node_id, &Voter::id);
  if (own == state.quorum.end()) return {};
  auto free = process::check_port_free(options.host, own->port);
  if (free.ok() || !embedded) return free;
  // Nobody but this broker knows an embedded controller's port: another one is as good.
  RIDE_ASSIGN(const auto other, process::free_ports(options.host, 1));
  own->port = other.front();
  return {};
}

Result<void> BrokerProcess::format(const std::string& java, const std::string& class_path, std::stop_token stop) {
  FolderState state = folder_->state();
  // Without a recording: the broker's own run is the one to learn the classes from.
  const auto flags = archive_->recorded() ? archive_->flags() : std::vector<std::string>{};
  const JavaCommand command{java, class_path, flags, 0, true};
  const fs::path users = options_.secure ? folder_->root() / "users.arguments" : fs::path();
  if (options_.secure) RIDE_TRY(write_secret_file(users, scram_arguments(options_.secure->security.users)));
  const std::unique_ptr<const fs::path, void (*)(const fs::path*)> removed(&users, [](const fs::path* file) {
    std::error_code ignored;
    if (!file->empty()) fs::remove(*file, ignored);
  });
  auto tool = process::ChildProcess::start(
      {.arguments = format_command(command, state.cluster_id, folder_->settings_file(), users),
       .environment = {"LC_ALL=C.UTF-8"},
       .working_folder = folder_->root(),
       .output = folder_->log_file(),
       .signal_on_parent_death = SIGKILL});
  if (!tool.ok()) return tool.error();
  const auto deadline = Clock::now() + std::max(options_.start_deadline, kFormatDeadline);
  while (!(*tool)->wait_until_ended(kPollInterval)) {
    if (stop.stop_requested()) return cancelled();
    if (Clock::now() > deadline) {
      return Error{
          ErrorCode::timeout,
          fmt::format(
              "Kafka's storage tool did not end in time: is the machine overloaded, or does its Java ({}) hang? "
              "Its log: {}",
              java, folder_->log_file().string()),
          true};
    }
  }
  if (const int code = (*tool)->exit_code().value_or(0); code != 0)
    return explain_code(code, "Kafka's storage tool, which prepares the folder,");
  state.formatted = true;
  return folder_->save(state);
}

Result<void> BrokerProcess::wait_until_ready(std::stop_token stop) {
  const auto start = Clock::now();
  const bool patient = options_.start_deadline.count() == 0;
  while (true) {
    if (!alive()) {
      Error why = explain_end();
      forget();
      return why;
    }
    if (is_ready()) return {};
    if (stop.stop_requested()) {
      this->stop(kStopUnready);
      return cancelled();
    }
    if (!patient && Clock::now() - start > options_.start_deadline) {
      const std::string log = log_file();
      this->stop(kStopUnready);
      return Error{ErrorCode::timeout,
                   fmt::format("the broker was not ready after {} s: is the machine overloaded, or are other nodes of "
                               "its quorum missing? "
                               "Its log: {}",
                               options_.start_deadline.count() / 1000, log),
                   true};
    }
    report_slow_start(Clock::now() - start);
    child_->wait_until_ended(options_.secure ? 5 * kPollInterval : kPollInterval);
  }
}

bool BrokerProcess::is_ready() const {
  // With users we would need a client for TLS and SCRAM: Kafka's log says when it takes part.
  if (options_.secure)
    return file_text(log_file(), log_start_).find("Kafka Server started") != std::string::npos &&
           process::listens(reachable(options_.host), port_, std::chrono::seconds(1));
  const auto view = probe(reachable(options_.host), port_, std::chrono::seconds(1));
  const auto is_us = [this](const BrokerAddress& broker) { return broker.id == options_.node_id; };
  return view.ok() && std::ranges::any_of(view->brokers, is_us) && view->controller >= 0;
}

void BrokerProcess::report_slow_start(Clock::duration waited) {
  if (reported_slow_ || waited < kSlowStart || !options_.report || options_.start_deadline.count() == 0) return;
  reported_slow_ = true;
  options_.report(fmt::format("the broker is not ready after {} s; it is given {} s. Its log: {}", kSlowStart.count(),
                              options_.start_deadline.count() / 1000, log_file().string()));
}

bool BrokerProcess::stop(milliseconds deadline, std::stop_token hurry) {
  if (!child_) return true;
  child_->signal_group(SIGTERM);
  const bool clean = wait_for_end(deadline, hurry);
  if (!clean) kill_now();
  if (clean && archive_) archive_->finish();
  forget();
  return clean;
}

// A broker asks the controllers for leave, and without a majority of them it would ask for five minutes: the last nodes
// of a cluster that is stopped are not waited for.
bool BrokerProcess::wait_for_end(milliseconds deadline, const std::stop_token& hurry) {
  const auto start = Clock::now();
  auto until = start + deadline;
  bool hurried = false;
  auto last_majority = start;
  while (Clock::now() < until) {
    if (child_->wait_until_ended(milliseconds(config_.quorum.size() == 1 ? 50 : 300))) return true;
    if (hurry.stop_requested() && !std::exchange(hurried, true)) until = std::min(until, Clock::now() + kHurried);
    if (config_.quorum.size() == 1) continue;
    const auto up = std::ranges::count_if(
        config_.quorum, [](const Voter& voter) { return process::listens(voter.host, voter.port, milliseconds(200)); });
    if (static_cast<std::size_t>(up) * 2 > config_.quorum.size()) last_majority = Clock::now();
    if (Clock::now() - last_majority > kLeaveWithoutMajority) return false;
  }
  return false;
}

void BrokerProcess::kill_now() {
  if (child_) {
    child_->signal_group(SIGKILL);
    child_->wait_until_ended(std::chrono::seconds(30));
  }
  forget();
}

void BrokerProcess::forget() {
  child_.reset();
  if (archive_) archive_->discard();
  archive_.reset();
  folder_.reset();  // and with it the lock
}

std::string BrokerProcess::bootstrap() const {
  const std::string& advertised = options_.advertised_host.empty() ? options_.host : options_.advertised_host;
  return host_and_port(advertised, port_);
}

fs::path BrokerProcess::log_file() const { return folder_ ? folder_->log_file() : options_.data / "broker.log"; }

Error BrokerProcess::explain_end() const {
  return explain_code(child_ ? child_->exit_code().value_or(0) : 0, "the broker");
}

// A shell or Java says 128 + signal, too, when it was one that ended what it ran.
Error BrokerProcess::explain_code(int code, const std::string& who) const {
  const int signal = code > 128 && code < 128 + 65 ? code - 128 : 0;
  const std::string log = log_file().string();
  if (signal == SIGKILL) {
    return {ErrorCode::unavailable,
            fmt::format("{} was killed (signal 9), by somebody or because the machine ran out of memory (see dmesg). "
                        "Start it again: its data is kept. Its log: {}",
                        who, log)};
  }
  if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) {
    return {
        ErrorCode::unavailable,
        fmt::format("{} was stopped (signal {}, {}) by somebody else. Start it again: its data is kept. Its log: {}",
                    who, signal, strsignal(signal), log)};
  }
  const auto what = signal == 0 ? fmt::format("{} ended (exit code {})", who, code)
                                : fmt::format("{} crashed (signal {}, {})", who, signal, strsignal(signal));
  auto why = explain_log(log_file(), log_start_, what);
  // Its last words may not have fitted into the log.
  const auto shortage = short_of_space(options_.data, kNoSpace);
  if (why.code != ErrorCode::internal || !shortage) return why;
  return {ErrorCode::resource_exhausted,
          fmt::format("{}: {}. Then start it again: what it has acknowledged is kept, and jobs go on (log: {})", what,
                      *shortage, log)};
}

Result<std::string> preview_settings(const LaunchOptions& options) {
  FolderState state;
  state.quorum = options.quorum;
  state.port = options.port;
  std::error_code failed;
  const fs::path root = fs::weakly_canonical(fs::absolute(options.data), failed);
  if (auto kept = read_state(root); !kept.ok()) {
    return kept.error();
  } else if (*kept) {
    if (state.port == 0) state.port = (*kept)->port;
    if (state.quorum.empty()) state.quorum = (*kept)->quorum;
  }
  if (state.port == 0 || state.quorum.empty()) {
    RIDE_ASSIGN(const auto found, process::free_ports(options.host, 2));
    if (state.port == 0) state.port = found[0];
    if (state.quorum.empty()) state.quorum = {{options.node_id, reachable(options.host), found[1]}};
  }
  BrokerConfig config = make_config(options, state, root / "kafka");
  if (config.security) config.security->own.password = "***";  // this goes to a terminal
  RIDE_TRY(check_config(config));
  return render_settings(config);
}

}  // namespace ride::broker
