// A program that is run to its end: started, ended in time or when we are asked to stop, and how it ended. For children
// whose work may crash or hang (tasks, plug-ins). It dies with us. Threads: one. Failure: an Error only where it cannot
// be started.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "process/program.h"

namespace ride::process {

enum class RunEnd { by_itself, late, stopped };

struct EndedRun {
  RunEnd end = RunEnd::by_itself;
  int code = -1;           // 128 + signal where one ended it; the following fields are of an end by itself
  std::string how;         // "it crashed with signal 11 (Segmentation fault)"
  std::string last_words;  // the end of its log, without credentials; empty: it wrote nothing

  // Both in a sentence: "...; its last words: ...".
  std::string explained() const { return last_words.empty() ? how : how + "; its last words: " + last_words; }
};

// In our working folder; `plan.log`: for what it writes. No `limit`: as long as it takes.
Result<EndedRun> run_to_end(ProgramPlan plan, std::optional<std::chrono::milliseconds> limit,
                            const std::stop_token& stop);

}  // namespace ride::process
