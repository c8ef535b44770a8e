#include "ledger/core/audit.h"

#include <algorithm>

namespace ride::ledger {

AuditResult Audit::add(const LogPartition& at, std::int64_t offset, const Headers& headers) {
  auto entry = read_entry(headers);
  if (!entry.ok()) return add_unknown(at, offset);
  if (!tile_topics_.contains(at.topic)) entry->session_key.group = entry->session_key.groups = 0;
  auto& topic_audit = topics_[at.topic];
  ++topic_audit.records;
  auto& sets = partitions_[at];
  AuditResult result{Verdict::counts, *entry, 0};
  const auto highest = sets.highest.find(entry->from);
  if (highest != sets.highest.end() && entry->key <= highest->second) {
    result.verdict = below(topic_audit, *entry);
    return result;
  }
  if (!completes(sets, *entry)) {
    result.verdict = Verdict::incomplete;
    return result;
  }
  sets.highest[entry->from] = entry->key;
  if (entry->kind != EntryKind::end) result.seen_before = enter(topic_audit, *entry);
  return result;
}

// At or below the upstream partition's highest origin. Where records were deleted unseen, a frame may have counted
// there.
Verdict Audit::below(TopicAudit& topic_audit, const Entry& entry) {
  auto& inflow = topic_audit.inflows[entry.from.upstream];
  if (entry.kind == EntryKind::end || topic_audit.unseen > 0 ||
      inflow.all[entry.session_key].seen(0).contains(entry.number)) {
    ++topic_audit.repeated;
    return Verdict::repeated;
  }
  inflow.hidden[entry.session_key].insert(entry.number);
  return Verdict::hidden;
}

AuditResult Audit::add_foreign(const LogPartition& at, std::int64_t offset, const Headers& headers) {
  auto entry = read_entry(headers);
  if (!entry.ok()) return add_unknown(at, offset);
  auto& topic_audit = topics_[at.topic];
  ++topic_audit.records;
  entry->from = {at.topic, at.partition};  // whoever wrote it
  entry->session_key.group = entry->session_key.groups = 0;
  const int before = enter(topic_audit, *entry);
  return {Verdict::counts, *entry, before};
}

AuditResult Audit::add_unknown(const LogPartition& at, std::int64_t offset) {
  auto& topic_audit = topics_[at.topic];
  ++topic_audit.records;
  ++topic_audit.not_ours;
  Entry entry;
  entry.session_key = {at.topic, at.partition};
  entry.number = offset;
  entry.from = {"/" + at.topic, at.partition};
  entry.key = {offset, 0};
  const int before = enter(topic_audit, entry);
  return {Verdict::not_ours, entry, before};
}

void Audit::add_dead(const std::string& topic, const Headers& headers) {
  const auto entry = read_entry(headers);
  if (entry.ok() && entry->kind == EntryKind::frame) topics_[topic].dead[entry->session_key].insert(entry->number);
}

void Audit::skip(const LogPartition& at, std::int64_t records) { topics_[at.topic].unseen += records; }

bool Audit::completes(PartitionSets& sets, const Entry& entry) {
  if (entry.parts == 1) {
    std::erase_if(sets.open, [&](const auto& open) {
      return std::get<UpstreamPartition>(open.first) == entry.from && std::get<Key>(open.first) <= entry.key;
    });
    return true;
  }
  auto& parts = sets.open[{entry.from, entry.key, entry.writer}];
  parts.insert(entry.part);
  if (static_cast<int>(parts.size()) < entry.parts) return false;
  // Incomplete sets of it by other writers, and of those before it, can never count any more.
  std::erase_if(sets.open, [&](const auto& open) {
    return std::get<UpstreamPartition>(open.first) == entry.from && std::get<Key>(open.first) <= entry.key;
  });
  return true;
}

int Audit::enter(TopicAudit& topic_audit, const Entry& entry) {
  auto& inflow = topic_audit.inflows[entry.from.upstream];
  if (entry.kind == EntryKind::frame) inflow.frames[entry.session_key].add(entry.number);
  if (entry.kind == EntryKind::outcome) {
    ++inflow.outcomes[entry.outcome];
    if (entry.outcome == "dropped" && entry.reason.starts_with("broken_picture:")) ++inflow.rejected;
  }
  return inflow.all[entry.session_key].add(entry.number);
}

const TopicAudit& Audit::of(const std::string& topic) const {
  static const TopicAudit kEmpty;
  const auto found = topics_.find(topic);
  return found == topics_.end() ? kEmpty : found->second;
}

}  // namespace ride::ledger
