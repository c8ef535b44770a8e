#include "common/log.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "common/redact.h"
#include "common/text.h"
#include "common/units.h"

namespace ride {
namespace {

struct LogState {
  std::mutex mutex;
  std::string program = "ride";
  LogLevel level = LogLevel::info;
};

LogState& state() {
  static LogState* const kState = new LogState;  // never destroyed: threads may log while statics are torn down
  return *kState;
}

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

}  // namespace

void init_logging(const std::string& program, LogLevel level) {
  const char* wanted = std::getenv("RIDE_LOG");
  bool unknown = false;
  if (wanted != nullptr && *wanted != '\0') {
    const std::string_view name = wanted;
    unknown = true;
    for (const LogLevel known : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
      if (name != name_of(known)) continue;
      level = known;
      unknown = false;
    }
  }
  {
    const std::lock_guard lock(state().mutex);
    state().program = program;
    state().level = level;
  }
  if (unknown) log_warning("RIDE_LOG='{}' is not a level; use debug, info, warning or error", wanted);
}

void log_line(LogLevel level, std::string_view text) {
  if (level >= LogLevel::warning && text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    text = "something failed and does not say why: please report it, with the lines before this one";
  LogState& log = state();
  const std::lock_guard lock(log.mutex);
  if (level < log.level) return;
  const std::string line =
      fmt::format("{} {} {}: {}\n", format_time(system_now()), name_of(level), log.program, one_line(redact(text)));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace ride
