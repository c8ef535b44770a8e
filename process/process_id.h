// A process that no other one can be taken for, and one that is held while it is looked at: numbers are given again.
// Reads /proc. Threads: any. Failure: what cannot be proven is no.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "process/descriptor.h"

namespace ride::process {

// Numbers are given again, and differ between machines and containers.
struct ProcessId {
  int pid = 0;
  std::string started;     // ticks since the machine began
  std::string boot;        // of the machine
  std::string namespace_;  // of process numbers
  bool operator==(const ProcessId&) const = default;
};
std::optional<ProcessId> own_process_id();
bool runs(const ProcessId& process);  // a zombie does not
std::string namespace_of(pid_t pid);  // of process numbers; empty: it is not known

// A process that is held: its number is not given to another one meanwhile.
class HeldProcess {
 public:
  explicit HeldProcess(pid_t pid);
  bool ok() const { return descriptor_.ok(); }
  void send(int signal) const;
  // False as well when `stop` breaks the waiting off.
  bool ended_within(std::chrono::milliseconds time, const std::stop_token& stop) const;

 private:
  Descriptor descriptor_;
};

}  // namespace ride::process
