#include "cli/terminal.h"

#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/log.h"
#include "common/redact.h"
#include "common/text.h"

namespace ride::cli {

Terminal stdout_terminal() {
  Terminal terminal;
  terminal.tty = isatty(STDOUT_FILENO) == 1;
  if (!terminal.tty) return terminal;
  const char* kind = std::getenv("TERM");
  const char* refused = std::getenv("NO_COLOR");
  const bool dumb = kind == nullptr || std::strcmp(kind, "dumb") == 0;
  terminal.style.colour = !dumb && (refused == nullptr || *refused == '\0');
  if (dumb) terminal.tty = false;  // cannot move its cursor: treated as a pipe
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  terminal.width = known ? size.ws_col : 80;
  terminal.height = known ? size.ws_row : 24;
  return terminal;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_error(std::string_view text) {
  const std::string line = fmt::format("ride: {}\n", printable_lines(redact(text)));
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace ride::cli
