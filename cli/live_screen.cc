#include "cli/live_screen.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/terminal.h"

namespace ride::cli {

LiveScreen::LiveScreen() : tty_(stdout_terminal().tty) {
  if (tty_) print("\x1b[?25l");
}

LiveScreen::~LiveScreen() {
  if (tty_) print("\x1b[?25h");
}

void LiveScreen::erase() {
  if (lines_ > 0) print(fmt::format("\x1b[{}A\r\x1b[J", lines_));
  lines_ = 0;
}

void LiveScreen::show(const std::string& text) {
  if (!tty_) return print(text);
  const Terminal terminal = stdout_terminal();
  std::string shown;
  std::size_t lines = 0, at = 0;
  while (at < text.size() && lines + 1 < terminal.height) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    shown += fit(std::string_view(text).substr(at, end - at), terminal.width) + "\n";
    at = end + 1;
    ++lines;
  }
  // In one write, so that nothing flickers.
  print((lines_ > 0 ? fmt::format("\x1b[{}A\r\x1b[J", lines_) : std::string()) + shown);
  lines_ = lines;
}

void LiveScreen::say(const std::string& line) {
  erase();
  print(line + "\n");
}

void LiveScreen::leave() { lines_ = 0; }

}  // namespace ride::cli
