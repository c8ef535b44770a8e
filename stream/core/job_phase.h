// What a job's phase means, for everybody who reads it. Pure.
#pragma once

#include "stream/control.h"

namespace ride::stream {

// Completed, cancelled or failed: this run of the job is over.
constexpr bool phase_is_over(JobPhase phase) {
  switch (phase) {
    case JobPhase::creating:
    case JobPhase::running:
    case JobPhase::paused:
    case JobPhase::draining:
      return false;
    case JobPhase::completed:
    case JobPhase::cancelled:
    case JobPhase::failed:
      return true;
  }
  return true;
}

}  // namespace ride::stream
