// The hard state as a snapshot and back. restore(capture(hard)) gives an equal state. Pure.
#pragma once

#include "master/core/state.h"
#include "stream/core/snapshot.h"

namespace ride::master {

stream::Snapshot capture(const Hard& hard);

// All but the standing claim's rank, which is known from the records themselves.
void restore(Hard& hard, const stream::Snapshot& snapshot);

}  // namespace ride::master
