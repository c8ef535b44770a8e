// Cutting processes off from the network, and giving them less CPU: control groups of Linux. Both need root.
// NetworkGate: a group of the unified hierarchy (cgroup v2) into which processes are *started*; while it is shut, a BPF
// program of two instructions drops every packet of their sockets, in both directions. Other processes do not notice.
// CpuLimit: a quota for processes that run, v2 or v1. Where that is not allowed, they are stopped and continued in
// turns. Owner: the object; its destructor opens the gate, lifts the limit and removes the group. Threads: one at a
// time.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/result.h"
#include "process/cgroup.h"
#include "process/descriptor.h"

namespace ride::chaos {

class NetworkGate {
 public:
  // unsupported / permission: why it cannot be had here, and what to do.
  static Result<std::unique_ptr<NetworkGate>> make(const std::string& name);
  ~NetworkGate();
  NetworkGate(const NetworkGate&) = delete;
  NetworkGate& operator=(const NetworkGate&) = delete;

  // The command that starts `arguments` within the group.
  std::vector<std::string> within(std::vector<std::string> arguments) const;
  Result<void> shut();
  void open();
  bool is_shut() const { return shut_; }

 private:
  NetworkGate(process::ControlGroup group, process::Descriptor descriptor, process::Descriptor program)
      : group_(std::move(group)), descriptor_(std::move(descriptor)), program_(std::move(program)) {}
  process::ControlGroup group_;
  process::Descriptor descriptor_, program_;  // of the group, and what drops packets
  bool shut_ = false;
};

class CpuLimit {
 public:
  // `percent` of one core for all of them together.
  static std::unique_ptr<CpuLimit> start(const std::string& name, const std::vector<pid_t>& pids, int percent);
  ~CpuLimit();
  CpuLimit(const CpuLimit&) = delete;
  CpuLimit& operator=(const CpuLimit&) = delete;
  bool by_quota() const { return group_.has_value(); }  // false: by stopping and continuing

 private:
  CpuLimit(std::vector<pid_t> pids, int percent) : pids_(std::move(pids)), percent_(percent) {}
  bool set_quota(const std::string& name);
  void take_turns();

  std::vector<pid_t> pids_;
  int percent_;
  std::optional<process::ControlGroup> group_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::chaos
