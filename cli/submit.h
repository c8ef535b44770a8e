// Handing a topology to a master, and telling what it found wrong with it. Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include "cli/core/exit_code.h"
#include "cli/master_client.h"

namespace ride::cli {

struct Submitted {
  std::string job;
  std::int64_t run = 0;
};

// What the master refused, with its diagnostics rendered against the text; the code is invalid_argument then.
Result<Submitted> submit(MasterClient& master, const std::string& text, const std::string& file_name);

}  // namespace ride::cli
