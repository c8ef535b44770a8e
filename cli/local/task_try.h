// One task in a process of its own (ride-test): given one picture, or only opened. For `ride try`, and for whether a
// new version of a task can take the place of one that runs. Threads: one. Failure: what the task does wrong, a crash
// included, stands in the report; an Error is about ourselves (cancelled: we were asked to stop).
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "common/param.h"
#include "common/result.h"
#include "test_runner/try_report.h"

namespace ride::cli {

struct TryOrder {
  std::string task;
  ParamValues params;
  std::vector<std::string> plugins;
  std::string picture;     // a file; empty: the task is only opened
  std::string save, show;  // files; empty: none (test_runner/try_task.h)
  std::optional<std::chrono::milliseconds> limit = {};
};

// `temp`: a folder for the report and the log.
Result<test_runner::TryReport> run_try(const TryOrder& order, const std::filesystem::path& temp,
                                       const std::stop_token& stop);

// What a task has written, out of the log of its process, where our own lines stand as well.
std::vector<std::string> printed_in(const std::string& log);

}  // namespace ride::cli
