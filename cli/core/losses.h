// What of a stage's counters happened in the stage itself. An outcome travels on in its frame's place, and each later
// stage counts it, too; a picture that a source refused comes as dropped, and is no loss. Every summary asks here.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ride::cli {

struct StageLosses {
  std::int64_t filtered = 0, dropped = 0, dead = 0;  // in this stage
  std::int64_t expired = 0;
  std::int64_t rejected = 0;  // came so from a source
};

using Upstreams = std::map<std::string, std::vector<std::string>>;  // who writes into a stage

// `stages` and `sources` hold the lists of these names, of one job or of several. `upstreams`: where the master does
// not report them.
StageLosses losses_of(const nlohmann::json& stage, const nlohmann::json& stages, const nlohmann::json& sources,
                      const Upstreams& upstreams = {});

// ", 2 dropped, 3 rejected (broken or too large)": only what there is.
std::string source_losses_text(const nlohmann::json& source);

}  // namespace ride::cli
