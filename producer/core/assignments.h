// Assignments: which sources this producer has to run, and how, as ride.decisions says. Pure: feed every decision that
// counts, in log order, and read what is wanted now.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "stream/control.h"
#include "stream/core/snapshot.h"

namespace ride::producer {

// What the owner of a source has to do.
enum class SourceMode { run, pause, drain };

struct SourceKey {
  JobName job;
  RunNumber run;
  std::string source;
  auto operator<=>(const SourceKey&) const = default;
};

// Producers have ended while they read this item: a record by its partition and offset, a file or a frame of a film by
// its number, in partition 0.
struct StruckItem {
  std::string cause;  // as the last strike has it
  bool quarantined = false;
};
using StruckItems = std::map<std::pair<PartitionId, Offset>, StruckItem>;

struct Assignment {
  std::shared_ptr<const stream::JobSpec> job;
  SessionId session;
  Epoch epoch;
  SourceMode mode = SourceMode::run;
  StruckItems struck;
  stream::SourceBefore before;  // what its earlier owners reported
};

class Assignments {
 public:
  explicit Assignments(WorkerId self) : self_(std::move(self)) {}

  void apply(const stream::Decision& decision);

  // Sources that this producer owns in jobs that run, pause or drain. A source that is not in it any more: stop it.
  std::map<SourceKey, Assignment> mine() const;
  // Decided to be lost or replaced: this incarnation never owns anything again.
  bool out() const { return out_; }
  const std::string& out_reason() const { return out_reason_; }  // where the log has it
  bool refused() const { return refused_; }                      // ... since another process has its name

 private:
  struct Owner {
    WorkerId producer;
    SessionId session;
    Epoch epoch;
    stream::SourceBefore before;
  };
  struct Job {
    std::shared_ptr<const stream::JobSpec> spec;
    stream::JobPhase phase = stream::JobPhase::creating;
    std::map<std::string, Owner> owners;
    std::map<std::string, StruckItems> struck;  // by source
  };
  using JobKey = std::pair<JobName, RunNumber>;

  void accept(const stream::JobAccepted& accepted);
  void change_phase(const stream::JobPhaseChanged& changed);
  void assign(const stream::AssignSource& assigned);
  void strike(const stream::Strike& strike);
  void restore(const stream::SnapshotPart& part);  // a whole snapshot replaces all that was known

  WorkerId self_;
  bool out_ = false, refused_ = false;
  std::string out_reason_;
  stream::SnapshotAssembler assembler_;
  std::map<JobKey, Job> jobs_;  // that have not ended
};

}  // namespace ride::producer
