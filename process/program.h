// One of RIDE's programs as whoever runs it sees it: its log, whether it is ready, why it ended, its orderly end. What
// `ride up`, `ride chaos`, the benchmarks and the tests do with each process that they start. Owner: the object; its
// destructor kills what still runs. Threads: one at a time; process() as process/child_process.h says.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "process/child_process.h"

namespace ride::process {

struct ProgramPlan {
  std::string name;                      // in messages: "ride-master", "node1"
  std::vector<std::string> arguments;    // the first is the program's path
  std::vector<std::string> environment;  // "NAME=value" beside ours
  std::filesystem::path log;             // what it writes is appended here
  std::filesystem::path working_folder;
  int signal_on_parent_death = 0;  // 0: it outlives us
};

class Program {
 public:
  static Result<std::unique_ptr<Program>> start(ProgramPlan plan);
  // After its end, with the same plan.
  Result<void> start_again();

  const std::string& name() const { return plan_.name; }
  const std::filesystem::path& log() const { return plan_.log; }
  ChildProcess& process() { return *process_; }
  pid_t pid() const { return process_->pid(); }
  bool alive() const { return process_->alive(); }

  // Waits for a whole line of this start that holds `mark`; gives what stands behind it, up to a space. cancelled:
  // `stop`. timeout, or internal when it ended: the message has the end of its log.
  Result<std::string> wait_for(std::string_view mark, std::chrono::milliseconds timeout,
                               std::stop_token stop = {}) const;
  // The last lines of its log since this start, without credentials.
  std::string last_words() const;
  // It ended by itself: how, and its last words.
  Error explain_end() const;
  // SIGTERM, and SIGKILL after the deadline or when `hurry` is requested. False: it had to be killed.
  bool end(std::chrono::milliseconds deadline, std::stop_token hurry = {});

 private:
  explicit Program(ProgramPlan plan) : plan_(std::move(plan)) {}

  ProgramPlan plan_;
  std::uintmax_t log_start_ = 0;  // where this start's part of the log begins
  std::unique_ptr<ChildProcess> process_;
};

// The last `lines` lines of what stands in a file behind `start`, without credentials.
std::string log_tail(const std::filesystem::path& file, std::uintmax_t start, std::size_t lines);

}  // namespace ride::process
