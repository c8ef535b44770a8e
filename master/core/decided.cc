#include "master/core/decided.h"

#include "master/core/snapshot.h"

namespace ride::master {

bool Decided::apply(const stream::Decision& decision) {
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) return apply(decision, *part);
  return apply_to(hard_, decision.body);
}

// Without its last part, a snapshot that does not hold together is none.
bool Decided::apply(const stream::Decision& decision, const stream::SnapshotPart& part) {
  const auto snapshot = assembler_.add(part);
  if (!snapshot.ok()) return false;
  if (!*snapshot) return true;
  Hard restored;
  restore(restored, **snapshot);
  const bool of_the_leader = restored.claim.epoch == decision.epoch && restored.claim.id == decision.leader;
  if (!of_the_leader || find_violation(restored) || loses_files(hard_, restored)) return false;
  hard_ = std::move(restored);
  return true;
}

}  // namespace ride::master
