// Audit: what came into each topic of a job. A set counts when it is the first complete one of its origin in log order;
// then its frame is entered under the upstream that wrote it. Pure: no I/O, clock or threads. Owner: one thread.
// Memory: grows with the number of upstream partitions and of gaps, not with the number of frames.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "ledger/core/entry.h"
#include "ledger/core/number_set.h"

namespace ride::ledger {

struct LogPartition {
  std::string topic;
  std::int64_t partition = 0;
  auto operator<=>(const LogPartition&) const = default;
};

// What the audit made of one record.
enum class Verdict {
  counts,    // it completed a set that is new
  repeated,  // written again after a failure: every reader drops it
  hidden,    // a higher origin stands before it, so every reader drops it; and its frame never counted. Somebody forged
             // that origin: an upstream's own only rise, without gaps
  incomplete,  // a part of a set; more must come
  not_ours,    // no headers of RIDE's, or damaged ones: it counts as a frame of its own, named by its place
};
struct AuditResult {
  Verdict verdict = Verdict::not_ours;
  std::optional<Entry> entry;
  int seen_before = 0;  // how often this frame had counted already on its way through this upstream
};

// What one upstream brought into a topic.
struct Inflow {
  std::map<SessionKey, NumberTally> frames;  // sets of pictures
  std::map<SessionKey, NumberTally> all;     // and of outcomes
  std::map<std::string, std::int64_t> outcomes;
  std::int64_t rejected = 0;               // of the dropped: pictures that a source refused, which is no loss
  std::map<SessionKey, NumberSet> hidden;  // frames that never counted, since a higher origin stands before them
};

struct TopicAudit {
  std::int64_t records = 0, repeated = 0, not_ours = 0;
  std::int64_t unseen = 0;                // deleted before they could be read here
  std::map<std::string, Inflow> inflows;  // by the upstream's name
  std::map<SessionKey, NumberSet> dead;   // frames of it that its reader gave up: a copy lies among the dead letters
};

class Audit {
 public:
  // Frames come in sets of tiles there. Elsewhere what they say of tiles is somebody's attribute.
  void expect_tiles(const std::string& topic) { tile_topics_.insert(topic); }
  // Records of a partition in offset order, each once.
  AuditResult add(const LogPartition& at, std::int64_t offset, const Headers& headers);
  // A foreign topic, read in place: every record is a frame of its own.
  AuditResult add_foreign(const LogPartition& at, std::int64_t offset, const Headers& headers);
  // A dead letter of this topic's reader. A takeover may write it twice, and it names one frame.
  void add_dead(const std::string& topic, const Headers& headers);
  // So many records were deleted before they could be read.
  void skip(const LogPartition& at, std::int64_t records);

  const TopicAudit& of(const std::string& topic) const;

 private:
  struct PartitionSets {
    std::map<UpstreamPartition, Key> highest;
    std::map<std::tuple<UpstreamPartition, Key, std::string>, std::set<int>> open;  // parts seen, by writer
  };
  AuditResult add_unknown(const LogPartition& at, std::int64_t offset);
  bool completes(PartitionSets& sets, const Entry& entry);
  static Verdict below(TopicAudit& topic_audit, const Entry& entry);
  int enter(TopicAudit& topic_audit, const Entry& entry);

  std::map<LogPartition, PartitionSets> partitions_;
  std::map<std::string, TopicAudit> topics_;
  std::set<std::string> tile_topics_;
};

}  // namespace ride::ledger
