#include "cli/core/fields.h"

#include "stream/core/job_phase.h"

namespace ride::cli {

bool phase_is_over(const std::string& phase) {
  const auto known = stream::parse_job_phase(phase);
  return known.ok() && stream::phase_is_over(*known);
}

}  // namespace ride::cli
