// A plan of faults as YAML (docs/chaos.md). Errors carry line, column, cause and fix, as a topology's do. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/core/plan.h"
#include "topology/diagnostic.h"

namespace ride::chaos {

struct PlanOutcome {
  std::optional<Plan> plan;  // absent: the diagnostics say why
  std::vector<topology::Diagnostic> diagnostics;
};

// `file` is named in the diagnostics.
PlanOutcome read_plan(const std::string& file, std::string_view text);

}  // namespace ride::chaos
