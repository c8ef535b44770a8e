// One program that we start and end: its output goes to a file, it can die with us, and one inherited descriptor can
// carry a lock. Owner: the object; its destructor kills (SIGKILL) and reaps. A thread of its own forks and waits,
// because the kernel sends "your parent died" when the forking *thread* ends, not the process. Threads: all members may
// be called from any.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/result.h"

namespace ride::process {

struct ProcessPlan {
  std::vector<std::string> arguments;    // the first is the program's path
  std::vector<std::string> environment;  // "NAME=value" beside ours
  std::filesystem::path working_folder;
  std::filesystem::path output;    // standard output and error are appended here
  int inherited = -1;              // a descriptor that the child keeps, as number 3; -1: none
  int signal_on_parent_death = 0;  // 0: it outlives us
};

class ChildProcess {
 public:
  // It runs in a process group of its own, so that Ctrl-C reaches only us, and we end it in order.
  static Result<std::unique_ptr<ChildProcess>> start(const ProcessPlan& plan);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool alive() const;
  void send_signal(int signal);  // nothing happens when it has ended
  // Also to what it has started itself: a wrapper script would keep the signal from the program behind it.
  void signal_group(int signal);
  bool wait_until_ended(std::chrono::milliseconds timeout);
  std::optional<int> exit_code() const;  // 128 + signal where one ended it

 private:
  ChildProcess() = default;
  void wait_for_end();

  pid_t pid_ = 0;  // set once, before start() returns
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<int> exit_code_;
  std::thread waiter_;
};

}  // namespace ride::process
