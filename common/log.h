// Logging of the shells: one line an event on standard error, UTC time, level, program, text. Cores never log.
// Threads: any. Credentials in URLs are replaced before a line is written (redact()).
#pragma once

#include <spdlog/fmt/fmt.h>

#include <string>
#include <string_view>

namespace ride {

enum class LogLevel { debug, info, warning, error };

// Sets the program's name and level (RIDE_LOG=debug|info|warning|error overrides). Call once at the start of main().
void init_logging(const std::string& program, LogLevel level = LogLevel::info);
void log_line(LogLevel level, std::string_view text);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ride
