#include "agent/agent.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "agent/child_launch.h"
#include "agent/child_log.h"
#include "agent/core/supervisor.h"
#include "agent/membership.h"
#include "common/log.h"

namespace ride::agent {
namespace {

constexpr int kRestartsWorthANotice = 3;
constexpr TimePoint kLongestWait{500};  // how soon a failure to join is noticed

TimePoint now_point() {
  return std::chrono::duration_cast<TimePoint>(std::chrono::steady_clock::now().time_since_epoch());
}

std::vector<std::string> names_of(const std::vector<ChildPlan>& children) {
  std::vector<std::string> names;
  for (const auto& child : children) names.push_back(child.name);
  return names;
}

// The last line that says something.
std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of("\n\r ");
  if (end == std::string::npos) return {};
  const auto start = text.rfind('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1,
                     end - (start == std::string::npos ? 0 : start + 1) + 1);
}

class Loop {
 public:
  Loop(const Options& options, std::vector<ChildPlan> children, int signals)
      : options_(options), children_(std::move(children)), supervisor_(names_of(children_)), signals_(signals) {
    logs_.resize(children_.size());
    outputs_.assign(children_.size(), -1);
    incarnations_.resize(children_.size());
  }
  ~Loop() {
    for (const int output : outputs_)
      if (output >= 0) close(output);
    close(signals_);
  }

  Result<void> open_logs() {
    if (options_.log_folder.empty()) return {};
    for (std::size_t i = 0; i < children_.size(); ++i) {
      auto log = ChildLog::open(options_.log_folder, children_[i].name);
      if (!log.ok()) return log.error();
      logs_[i] = std::make_unique<ChildLog>(std::move(log).value());
    }
    return {};
  }

  Result<void> run() {
    membership_ = std::make_unique<Membership>(options_);
    std::optional<Error> failure;
    while (!supervisor_.finished()) {
      perform(supervisor_.due(now_point()));
      wait();
      if (!failure && (failure = membership_->failed())) perform(supervisor_.stop(now_point()));
    }
    if (!membership_->leave("the agent was told to end")) std::_Exit(failure ? 1 : 0);
    if (failure) return *failure;
    return {};
  }

 private:
  void wait() {
    std::vector<pollfd> watched{{signals_, POLLIN, 0}};
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i] < 0) continue;
      watched.push_back({outputs_[i], POLLIN, 0});
      owners.push_back(i);
    }
    TimePoint timeout = kLongestWait;
    if (const auto due = supervisor_.next_due()) timeout = std::clamp(*due - now_point(), TimePoint{0}, kLongestWait);
    if (poll(watched.data(), watched.size(), static_cast<int>(timeout.count())) <= 0) return;
    // Output first: when a child's end is told, its last words are already in the log.
    for (std::size_t i = 0; i < owners.size(); ++i)
      if (watched[i + 1].revents != 0) take_output(owners[i]);
    if (watched[0].revents != 0) take_signals();
  }

  void take_output(std::size_t slot) {
    if (outputs_[slot] < 0 || logs_[slot]->take(outputs_[slot])) return;
    close(outputs_[slot]);
    outputs_[slot] = -1;
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) continue;  // several ends may come as one signal: reap() looks for all
      log_info("told to end (signal {}); the children get {} s", info.ssi_signo,
               SupervisorPolicy{}.stop_deadline.count() / 1000);
      perform(supervisor_.stop(now_point()));
    }
    reap();
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
    const ChildPlan& plan = children_[order.slot];
    if (outputs_[order.slot] >= 0) {  // a grandchild may still hold the old pipe
      close(outputs_[order.slot]);
      outputs_[order.slot] = -1;
    }
    const WorkerId incarnation = stream::new_incarnation(plan.name);
    auto launched = launch(plan.arguments, logs_[order.slot] != nullptr, incarnation.value);
    if (!launched.ok()) {
      log_error("{}: {}", plan.name, launched.error().message);
      supervisor_.start_failed(order.slot, now_point());
      return;
    }
    outputs_[order.slot] = launched->output;
    incarnations_[order.slot] = incarnation;
    supervisor_.started(order.slot, launched->pid, now_point());
    log_info("started {} (process {})", plan.name, launched->pid);
    if (logs_[order.slot]) {
      logs_[order.slot]->write(
          fmt::format("---- {} {} starts as process {}\n", format_time(system_now()), plan.name, launched->pid));
    }
  }

  void perform(const SignalChild& order) {
    if (order.signal == SIGKILL) {
      log_warning("{} (process {}) did not end in time and is killed", children_[order.slot].name, order.pid);
      kill(-order.pid, SIGKILL);  // with whatever it started
    }
    kill(order.pid, order.signal);
  }

  void perform(const ReportExit& exit) {
    const std::string& name = children_[exit.slot].name;
    stream::ChildExit report{.node = options_.node, .child = incarnations_[exit.slot], .pid = exit.pid};
    report.exit_code = exit.status.code;
    report.signal = exit.status.signal;
    report.ordered = exit.ordered;
    report.at = system_now();
    membership_->report(report);
    kill(-exit.pid, SIGKILL);  // what it left behind must not go on working
    if (outputs_[exit.slot] >= 0) take_output(exit.slot);
    if (exit.ordered) return log_info("{} (process {}) has ended", name, exit.pid);
    tell_unordered(exit, name);
  }

  void tell_unordered(const ReportExit& exit, const std::string& name) {
    log_warning("{} (process {}) ended by itself: {}; started again in {}", name, exit.pid, describe(exit.status),
                format_duration(exit.restart_in));
    if (supervisor_.slots()[exit.slot].restarts != kRestartsWorthANotice) return;
    std::string text =
        fmt::format("{} keeps ending ({}, {} times now)", name, describe(exit.status), kRestartsWorthANotice);
    if (logs_[exit.slot]) {
      text += fmt::format("; its last words: {} (see {} on node {})", last_line(logs_[exit.slot]->tail()),
                          logs_[exit.slot]->file().string(), options_.node.value);
    }
    log_error("{}", text);
    membership_->report(stream::Notice{.node = options_.node,
                                       .severity = stream::Severity::error,
                                       .code = "child_keeps_ending",
                                       .text = redact(text),
                                       .at = system_now()});
  }

  const Options& options_;
  std::vector<ChildPlan> children_;
  Supervisor supervisor_;
  int signals_;
  std::unique_ptr<Membership> membership_;
  std::vector<std::unique_ptr<ChildLog>> logs_;
  std::vector<int> outputs_;
  std::vector<WorkerId> incarnations_;  // of those that run, or ran last
};

// Nothing may be kept waiting by a signal that a library's thread took.
Result<int> take_over_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&set, signal);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return Error{ErrorCode::internal, "signals cannot be blocked"};
  signal(SIGPIPE, SIG_IGN);
  const int descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor < 0) return Error{ErrorCode::internal, fmt::format("no signalfd: {}", std::strerror(errno))};
  return descriptor;
}

}  // namespace

Result<void> run(const Options& options) {
  auto children = plan_children(options);
  if (!children.ok()) return children.error();
  auto signals = take_over_signals();
  if (!signals.ok()) return signals.error();
  Loop loop(options, std::move(children).value(), *signals);
  if (auto opened = loop.open_logs(); !opened.ok()) return opened;
  log_info("node {}: {} workers, {} producers", options.node.value, options.slots, options.producers);
  return loop.run();
}

}  // namespace ride::agent
