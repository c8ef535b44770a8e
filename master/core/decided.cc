#include "master/core/decided.h"

#include "master/core/snapshot.h"

namespace ride::master {

bool Decided::take(const stream::Decision& decision) {
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) return take(*part);
  return apply_to(hard_, decision.body);
}

// Without its last part, a snapshot that does not hold together is none.
bool Decided::take(const stream::SnapshotPart& part) {
  const auto snapshot = assembler_.add(part);
  if (!snapshot.ok()) return false;
  if (!*snapshot) return true;
  Hard restored;
  restore(restored, **snapshot);
  if (find_violation(restored)) return false;
  hard_ = std::move(restored);
  return true;
}

}  // namespace ride::master
