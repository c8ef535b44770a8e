// Snapshot: all that ride.decisions has settled so far, so that what stands before it can be deleted. Every reader that
// keeps a state of the decisions takes it: its state is what the snapshot contains, whatever it was before. In the log
// it is a row of SnapshotParts of bounded size. Pure values. Failure: a text that is no snapshot, or of a newer
// version, is an Error; the reader has no state then and must end. Versions: decision 0009.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stream/control.h"

namespace ride::stream {

struct Snapshot {
  static constexpr int kOldestVersion = 1;
  static constexpr int kVersion = 2;  // with files that jobs bring along (decision 0044)

  struct Partition {
    WorkerId owner, previous;
    Epoch epoch;
    bool releasing = false;
    SystemTime deadline{};
    bool operator==(const Partition&) const = default;
  };
  struct Stage {
    StageName name;
    Epoch epoch;  // the highest given out
    std::vector<WorkerId> actives, spares;
    std::vector<Partition> partitions;
    int workers = 0;    // wanted; 0: as declared
    bool held = false;  // ... by a person
    std::string sized_because;
    SystemTime sized_at{};
    std::vector<Strike> strikes;  // against frames of the stage, as they were decided
    bool operator==(const Stage&) const = default;
  };
  struct Source {
    std::string name;
    WorkerId producer, previous;
    SessionId session;
    Epoch epoch;
    std::vector<Strike> strikes;  // against its items, as they were decided
    bool operator==(const Source&) const = default;
  };
  struct Job {
    JobSpec spec;
    std::string topology;
    std::int64_t order = 0;  // of submission
    SystemTime submitted_at{};
    JobPhase phase = JobPhase::creating;
    std::string reason;
    SystemTime phase_at{};
    LogEnds ends;
    FrameTotals totals;
    std::vector<Stage> stages;
    std::vector<Source> sources;
    std::vector<JobQueued> next;  // the run that follows: one, or none
    bool operator==(const Job&) const = default;
  };

  Claim claim;  // the standing one
  std::vector<Job> jobs;
  std::map<std::string, std::int64_t> runs;                             // the highest run ever used, by job
  std::map<std::string, std::map<std::string, std::int64_t>> sessions;  // ... and session, by job and source
  std::vector<WorkerId> out;                                            // oldest first
  std::int64_t accepted = 0;                                            // jobs so far
  bool operator==(const Snapshot&) const = default;
};

// The version that `snapshot` is written in: the oldest one whose readers know all of its content, so that programs of
// the version before can read it as long as they would lose nothing.
int version_of(const Snapshot& snapshot);

// At most `part_bytes` of text in each part.
std::vector<SnapshotPart> cut(const Snapshot& snapshot, const std::string& id, std::size_t part_bytes = 500'000);

// Puts the parts together again. Feed every part that counts, in log order.
class SnapshotAssembler {
 public:
  // The snapshot with its last part; nothing before. Parts whose first one was not seen are left out.
  Result<std::optional<Snapshot>> add(const SnapshotPart& part);

 private:
  std::string id_, text_;
  int next_ = 1;
};

}  // namespace ride::stream
