// Handing a topology to a master, and showing what it found wrong with it. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/core/exit_code.h"
#include "cli/master_client.h"
#include "common/json.h"
#include "stream/spec.h"

namespace ride::cli {

struct Submitted {
  std::string job;
  std::int64_t run = 0;
  nlohmann::json answer;  // the master's
};

// A file that the topology names, and where it was shipped to (cli/shipping.h).
struct ShippedFile {
  std::string stage, param;
  std::string value;  // of the parameter, as it was read here
  stream::ArtifactRef ref;
  std::string declarations = {};  // of a plug-in, which is no parameter's; as JSON
};
// All that a topology names; nothing: its text is handed in alone, and what it names lies on the nodes.
using ShippedFiles = std::optional<std::vector<ShippedFile>>;

// What the master refused, with its diagnostics rendered against the text; the code is invalid_argument then. A job
// that runs is changed where that takes effect at once; `replace`: else it is drained, and a new run follows.
Result<Submitted> submit(MasterClient& master, const std::string& text, const std::string& file_name,
                         const ShippedFiles& files = std::nullopt, bool replace = false);

// What a submit would do: the master's plan, with "change" where the job runs.
Result<nlohmann::json> dry_run(MasterClient& master, const std::string& text, const std::string& file_name,
                               const ShippedFiles& files = std::nullopt);

}  // namespace ride::cli
