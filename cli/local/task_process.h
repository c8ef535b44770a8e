// A process that runs a task for the command line (ride-test): started, ended in time, and how it ended. Threads: one.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "process/program.h"

namespace ride::cli {

enum class TaskProcessEnd { by_itself, late, stopped };

struct TaskProcessResult {
  TaskProcessEnd end = TaskProcessEnd::by_itself;
  int code = -1;
  std::string how;  // "it crashed with signal 11 (Segmentation fault); its last words: ..."; of code 0: empty
};

// `log`: for what it writes. No `limit`: as long as it takes.
Result<TaskProcessResult> run_task_process(std::vector<std::string> arguments, const std::filesystem::path& log,
                                           std::optional<std::chrono::milliseconds> limit, const std::stop_token& stop);

}  // namespace ride::cli
