#include "ledger/core/book.h"

#include <algorithm>

namespace ride::ledger {

AuditResult Book::take(const LogPartition& at, std::int64_t offset, const Headers& headers) {
  auto entry = read_entry(headers);
  if (!entry.ok()) return take_stranger(at, offset);
  auto& page = pages_[at.topic];
  ++page.records;
  auto& lines = lines_[at];
  AuditResult posting{Verdict::counts, *entry, 0};
  const auto highest = lines.highest.find(entry->line);
  if (highest != lines.highest.end() && entry->key <= highest->second) {
    posting.verdict = below(page, *entry);
    return posting;
  }
  if (!completes(lines, *entry)) {
    posting.verdict = Verdict::incomplete;
    return posting;
  }
  lines.highest[entry->line] = entry->key;
  if (entry->kind != EntryKind::end) posting.seen_before = enter(page, *entry);
  return posting;
}

// At or below the line's highest origin. Where records were deleted unseen, a frame may have counted there.
Verdict Book::below(TopicAudit& page, const Entry& entry) {
  auto& inflow = page.inflows[entry.line.upstream];
  if (entry.kind == EntryKind::end || page.unseen > 0 || inflow.all[entry.stretch].seen(0).contains(entry.number)) {
    ++page.repeated;
    return Verdict::repeated;
  }
  inflow.hidden[entry.stretch].insert(entry.number);
  return Verdict::hidden;
}

AuditResult Book::take_foreign(const LogPartition& at, std::int64_t offset, const Headers& headers) {
  auto entry = read_entry(headers);
  if (!entry.ok()) return take_stranger(at, offset);
  auto& page = pages_[at.topic];
  ++page.records;
  entry->line = {at.topic, at.partition};  // whoever wrote it
  const int before = enter(page, *entry);
  return {Verdict::counts, *entry, before};
}

AuditResult Book::take_stranger(const LogPartition& at, std::int64_t offset) {
  auto& page = pages_[at.topic];
  ++page.records;
  ++page.not_ours;
  Entry entry;
  entry.stretch = {at.topic, at.partition};
  entry.number = offset;
  entry.line = {"/" + at.topic, at.partition};
  entry.key = {offset, 0};
  const int before = enter(page, entry);
  return {Verdict::not_ours, entry, before};
}

void Book::take_dead(const std::string& topic, const Headers& headers) {
  const auto entry = read_entry(headers);
  if (entry.ok() && entry->kind == EntryKind::frame) pages_[topic].dead[entry->stretch].insert(entry->number);
}

void Book::skip(const LogPartition& at, std::int64_t records) { pages_[at.topic].unseen += records; }

bool Book::completes(Lines& lines, const Entry& entry) {
  if (entry.parts == 1) {
    std::erase_if(lines.open, [&](const auto& open) {
      return std::get<UpstreamPartition>(open.first) == entry.line && std::get<Key>(open.first) <= entry.key;
    });
    return true;
  }
  auto& parts = lines.open[{entry.line, entry.key, entry.writer}];
  parts.insert(entry.part);
  if (static_cast<int>(parts.size()) < entry.parts) return false;
  // Others' halves of it, and of its elders, can never count any more.
  std::erase_if(lines.open, [&](const auto& open) {
    return std::get<UpstreamPartition>(open.first) == entry.line && std::get<Key>(open.first) <= entry.key;
  });
  return true;
}

int Book::enter(TopicAudit& page, const Entry& entry) {
  auto& inflow = page.inflows[entry.line.upstream];
  if (entry.kind == EntryKind::frame) inflow.frames[entry.stretch].add(entry.number);
  if (entry.kind == EntryKind::outcome) {
    ++inflow.outcomes[entry.outcome];
    if (entry.outcome == "dropped" && entry.reason.starts_with("broken_picture:")) ++inflow.rejected;
  }
  return inflow.all[entry.stretch].add(entry.number);
}

const TopicAudit& Book::page(const std::string& topic) const {
  static const TopicAudit kEmpty;
  const auto found = pages_.find(topic);
  return found == pages_.end() ? kEmpty : found->second;
}

}  // namespace ride::ledger
