// What may change about a job while it runs (D5, D13): sizes of groups, how they scale, its priority. Everything else is
// fixed within a run. Pure.
#pragma once

#include "stream/spec.h"

namespace ride::master {

// True when `after` differs from `before`, a spec of the same run, in nothing else.
bool takes_effect_at_once(const stream::JobSpec& before, const stream::JobSpec& after);

}  // namespace ride::master
