#include "agent/agent.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>

#include "agent/child.h"
#include "agent/core/supervisor.h"
#include "agent/membership.h"
#include "common/exit_codes.h"
#include "common/log.h"
#include "common/redact.h"
#include "common/wording.h"
#include "process/machine.h"

namespace ride::agent {
namespace {

constexpr int kRestartsWorthANotice = 3;
constexpr TimePoint kLookEvery{100};  // at the children, and whether we could join

std::string name_of(const stream::NamedFrame& frame) {
  if (frame.frame != kRecordBeingRead) return "frame " + frame.frame + " inside process()";
  return fmt::format("the record at offset {} of {}/{} being read", frame.offset.value, frame.stage.value,
                     frame.partition.value);
}

TimePoint now_point() {
  return std::chrono::duration_cast<TimePoint>(std::chrono::steady_clock::now().time_since_epoch());
}

std::vector<std::string> names_of(const std::vector<ChildPlan>& plans) {
  std::vector<std::string> names;
  names.reserve(plans.size());
  for (const auto& plan : plans) names.push_back(plan.name);
  return names;
}

class Loop {
 public:
  Loop(const Options& options, std::vector<ChildPlan> plans, int signals)
      : options_(options), supervisor_(names_of(plans)), signals_(signals) {
    for (auto& plan : plans) children_.emplace_back(std::move(plan));
  }
  ~Loop() { close(signals_); }

  Result<void> open_logs() {
    if (options_.log_folder.empty()) return {};
    for (auto& child : children_) RIDE_TRY(child.open_log(options_.log_folder));
    return {};
  }

  Result<void> run() {
    membership_ = std::make_unique<Membership>(options_);
    std::optional<Error> failure;
    while (!supervisor_.finished()) {
      perform(supervisor_.due(now_point()));
      wait();
      look();
      if (!failure && (failure = membership_->failed())) perform(supervisor_.stop(now_point()));
    }
    if (!membership_->leave("the agent was asked to stop")) std::_Exit(failure ? 1 : 0);
    if (failure) return *failure;
    return {};
  }

 private:
  void wait() {
    std::vector<pollfd> watched{{signals_, POLLIN, 0}};
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      if (children_[i].output() < 0) continue;
      watched.push_back({children_[i].output(), POLLIN, 0});
      owners.push_back(i);
    }
    TimePoint timeout = kLookEvery;
    if (const auto due = supervisor_.next_due()) timeout = std::clamp(*due - now_point(), TimePoint{0}, kLookEvery);
    if (poll(watched.data(), watched.size(), static_cast<int>(timeout.count())) <= 0) return;
    // Output first: when a child's end is reported, its last lines are already in the log.
    for (std::size_t i = 0; i < owners.size(); ++i)
      if (watched[i + 1].revents != 0) children_[owners[i]].drain_output();
    if (watched[0].revents != 0) handle_signals();
  }

  void handle_signals() {
    signalfd_siginfo info{};
    while (read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) continue;  // several ends may come as one signal: reap() looks for all
      if (info.ssi_signo == SIGUSR1) {
        renew_workers();
        continue;
      }
      log_info("asked to stop (signal {}); the children get {} s", info.ssi_signo,
               SupervisorPolicy{}.stop_deadline.count() / 1000);
      perform(supervisor_.stop(now_point()));
    }
    reap();
  }

  void renew_workers() {
    log_info("asked for new workers: those that run end in order, and are started again");
    std::vector<SlotIndex> workers;
    for (SlotIndex i = 0; i < children_.size(); ++i)
      if (children_[i].plan().kind == ChildKind::worker) workers.push_back(i);
    perform(supervisor_.renew(workers, now_point()));
  }

  // Who hangs, or has more memory than it may, is killed; that makes it an end like any other, with its reason.
  void look() {
    const auto now = now_point();
    if (now - looked_at_ < kLookEvery) return;
    looked_at_ = now;
    std::vector<Membership::Running> running;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      const auto& slot = supervisor_.slots()[i];
      if (slot.state != ChildState::running) continue;
      running.push_back({slot.pid, children_[i].incarnation()});
      const auto verdict = children_[i].look(slot.pid, now);
      if (!verdict) continue;
      report_error(verdict->kind == ChildFault::Kind::hang ? "child_hangs" : "child_out_of_memory",
                   fmt::format("{} (process {}) is killed: {}", slot.name, slot.pid, verdict->text));
      kill(-slot.pid, SIGKILL);
      kill(slot.pid, SIGKILL);
    }
    membership_->vouch(std::move(running));
    if (const auto kills = process::out_of_memory_kills()) memory_kills_ = *kills;
  }

  void reap() {
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      const ExitStatus ended =
          WIFEXITED(status) ? ExitStatus{WEXITSTATUS(status), 0} : ExitStatus{-1, WTERMSIG(status)};
      perform(supervisor_.exited(pid, ended, now_point()));
    }
  }

  void perform(const std::vector<Action>& actions) {
    for (const auto& action : actions) std::visit([this](const auto& a) { perform(a); }, action);
  }

  void perform(const StartChild& order) {
    auto& child = children_[order.slot];
    const auto pid = child.launch();
    if (pid.ok()) return supervisor_.started(order.slot, *pid, now_point());
    log_error("{}: {}", child.plan().name, pid.error().message);
    supervisor_.start_failed(order.slot, now_point());
  }

  void perform(const SignalChild& order) {
    if (order.signal == SIGKILL) {
      log_warning("{} (process {}) did not end in time and is killed", children_[order.slot].plan().name, order.pid);
      kill(-order.pid, SIGKILL);  // with whatever it started
    }
    kill(order.pid, order.signal);
  }

  // A SIGKILL that is not ours comes from the system, which counts those that it sends for memory, or from somebody.
  void perform(const ReportExit& exit) {
    auto& child = children_[exit.slot];
    const auto kills = exit.status.signal == SIGKILL ? process::out_of_memory_kills() : std::nullopt;
    const bool out_of_memory = kills && *kills > memory_kills_;
    const bool killed_outside = exit.status.signal == SIGKILL && kills && !out_of_memory;
    auto report = child.report(exit, killed_outside, out_of_memory);
    report.node = options_.node;
    membership_->report(report);
    kill(-exit.pid, SIGKILL);  // what it left behind must not go on working
    child.drain_output();
    if (exit.ordered) return log_info("{} (process {}) has ended", child.plan().name, exit.pid);
    report_unordered(exit, report);
  }

  void report_unordered(const ReportExit& exit, const stream::ChildExit& report) {
    const auto& child = children_[exit.slot];
    const std::string& name = child.plan().name;
    if (report.orderly && exit.status.code == kExitStartAgain)
      return log_warning("{} (process {}) has ended to begin again, as its own log says, in {}", name, exit.pid,
                         format_duration(exit.restart_in));
    log_warning("{} (process {}) ended by itself: {}{}; started again in {}", name, exit.pid, describe(exit.status),
                report.frames.empty()                      ? ""
                : child.plan().kind == ChildKind::producer ? ", while it read " + report.frames.front().frame
                                                           : ", with " + name_of(report.frames.front()),
                format_duration(exit.restart_in));
    if (supervisor_.slots()[exit.slot].restarts != kRestartsWorthANotice) return;
    report_error("child_keeps_ending", fmt::format("{} keeps ending ({}, {} times now){}", name, describe(exit.status),
                                                   kRestartsWorthANotice, child.last_words()));
  }

  void report_error(const char* code, const std::string& text) {
    log_error("{}", text);
    membership_->report(stream::Notice{.node = options_.node,
                                       .severity = stream::Severity::error,
                                       .code = code,
                                       .text = redact(text) + " (node " + options_.node.value + ")",
                                       .at = system_now()});
  }

  const Options& options_;
  std::deque<Child> children_;
  Supervisor supervisor_;
  int signals_;
  std::unique_ptr<Membership> membership_;
  TimePoint looked_at_{0};
  std::int64_t memory_kills_ = process::out_of_memory_kills().value_or(0);  // of the system, at the last look
};

// Nothing may be kept waiting by a signal that a library's thread took.
Result<int> take_over_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, signal);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return Error{ErrorCode::internal, "signals cannot be blocked"};
  signal(SIGPIPE, SIG_IGN);
  const int descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor < 0) return Error{ErrorCode::internal, fmt::format("no signalfd: {}", std::strerror(errno))};
  return descriptor;
}

}  // namespace

Result<void> run(const Options& options) {
  RIDE_ASSIGN(auto children, plan_children(options));
  RIDE_ASSIGN(auto signals, take_over_signals());
  Loop loop(options, std::move(children), signals);
  RIDE_TRY(loop.open_logs());
  log_info("node {}: {}, {}", options.node.value, counted(options.slots, "worker"),
           counted(options.producers, "producer"));
  return loop.run();
}

}  // namespace ride::agent
