// What standard output is: a terminal with a width and colours, or a pipe. NO_COLOR (no-color.org) and TERM=dumb are
// respected. Threads: any.
#pragma once

#include <cstddef>
#include <string_view>

#include "cli/core/table.h"

namespace ride::cli {

struct Terminal {
  bool tty = false;
  Style style;
  std::size_t width = 0;  // 0: not a terminal, lines are not cut
  std::size_t height = 0;
};

Terminal stdout_terminal();  // asked anew at each call: windows change their size

void print(std::string_view text);        // to standard output, at once
void print_error(std::string_view text);  // "ride: ..." to standard error

}  // namespace ride::cli
