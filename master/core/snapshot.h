// The hard state as a snapshot and back. restore(capture(hard)) gives an equal state. Pure.
#pragma once

#include <optional>
#include <string>

#include "master/core/event.h"
#include "stream/core/snapshot.h"

namespace ride::master {

stream::Snapshot capture(const Hard& hard);

// All but the standing claim's rank, which is known from the records themselves.
void restore(Hard& hard, const stream::Snapshot& snapshot);

// Whether a run lacks files in `restored` that it was accepted with. Only a leader of a version that knows of no files
// writes such a snapshot: who has read what stands before it keeps to that.
bool loses_files(const Hard& known, const Hard& restored);

// Where the decisions log may be cut off. Owner: who reads the log and performs TruncateBehind.
class SnapshotPlace {
 public:
  // Every part that counts, in log order.
  void read(const stream::SnapshotPart& part, Offset at);
  // The offset of the ordered snapshot's first part, if it was read back whole and counts (decision 0009). Nothing:
  // delete nothing.
  std::optional<Offset> behind(const TruncateBehind& order, const State& state) const;

 private:
  std::string id_;
  Offset first_;
};

}  // namespace ride::master
