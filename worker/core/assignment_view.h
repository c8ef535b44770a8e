// AssignmentView: what the decisions log says that one worker shall do. A projection of the log; the shell acts on the
// difference between it and what it does. Pure: no I/O, clock or threads.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "stream/control.h"
#include "stream/core/snapshot.h"

namespace ride::worker {

struct StageKey {
  JobName job;
  RunNumber run;
  StageName stage;
  auto operator<=>(const StageKey&) const = default;
};

// Where a frame lies in its stage's topic: the offset whose reading releases it is the same for every owner.
using FramePlace = std::pair<PartitionId, Offset>;

// Two workers have ended with it (decision 0007).
struct Quarantined {
  std::string reason;
  int attempts = 2;
  bool unread = false;  // they ended while they read the record: it is not even looked at
  bool operator==(const Quarantined&) const = default;
};

// What the worker shall do now.
struct DesiredState {
  std::optional<StageKey> stage;                  // the group it belongs to: keep it warm
  std::map<PartitionId, Epoch> owns;              // of that stage
  std::set<PartitionId> releasing;                // of these: finish and hand back
  std::map<FramePlace, Quarantined> quarantined;  // frames of that stage that must not be run any more
  std::map<std::string, SessionId> sessions;      // of the job's sources: the highest that was given out
  std::map<PartitionId, Offset> ends;  // of that stage's topic, which others write: what lies behind is not read
  bool paused = false;                 // own, but do not read
  bool out = false;                    // this incarnation was declared lost: end
  std::string out_reason;              // ... why, where the log has it
  bool refused = false;                // ... since another process has its name
  bool operator==(const DesiredState&) const = default;
};

class AssignmentView {
 public:
  explicit AssignmentView(WorkerId self) : self_(std::move(self)) {}

  // Every decision that counts, in log order.
  void apply(const stream::Decision& decision);
  DesiredState duty() const;
  const stream::JobSpec* job(const JobName& job, RunNumber run) const;

 private:
  struct Job {
    stream::JobSpec spec;
    stream::JobPhase phase = stream::JobPhase::creating;
    stream::LogEnds ends;
    std::map<std::string, SessionId> sessions;
  };
  struct Owner {
    WorkerId worker;
    Epoch epoch;
    bool releasing = false;
  };
  using JobKey = std::pair<JobName, RunNumber>;

  static std::map<PartitionId, Offset> ends_of(const Job& job, const StageKey& key);
  void on(const stream::JobAccepted& accepted);
  void on(const stream::JobPhaseChanged& changed);
  void on(const stream::Assign& assign);
  void on(const stream::Releasing& releasing);
  void on(const stream::JoinGroup& join);
  void on(const stream::WorkerOut& out);
  void on(const stream::SnapshotPart& part);  // a whole one replaces all that was known
  void on(const stream::Strike& strike);
  void on(const stream::AssignSource& assign);
  void on(const stream::JobChanged& changed);
  void on(const stream::Scale&) {}
  void on(const stream::JobQueued&) {}  // begins as a job of its own
  void on(const stream::Claim&) {}

  WorkerId self_;
  std::map<JobKey, Job> jobs_;  // not the ended ones
  std::map<StageKey, std::map<PartitionId, Owner>> owners_;
  std::map<StageKey, std::map<FramePlace, Quarantined>> quarantined_;
  std::optional<StageKey> group_;
  bool out_ = false, refused_ = false;
  std::string out_reason_;
  stream::SnapshotAssembler assembler_;
};

}  // namespace ride::worker
