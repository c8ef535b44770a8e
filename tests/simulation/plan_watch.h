// PlanWatch: reads every decision as it becomes readable and says what is wrong with the plan (invariants 1 and 5): a
// second owner at one epoch, an epoch that falls, a leader that decides against what stands in the log; a record that
// counts though its claim does not stand; a snapshot that contains anything else than the decisions before it; a log
// that is cut off behind anything but a valid snapshot; a reader that knows anything else than the log says, wherever
// it began. Keeps the plan as the log has it. Owner: one World.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "master/core/apply.h"
#include "producer/core/assignments.h"
#include "tests/simulation/ledger.h"
#include "worker/core/assignment_view.h"

namespace ride::simulation {

class PlanWatch {
 public:
  PlanWatch(const Scheduler& clock, Ledger& ledger) : clock_(clock), ledger_(ledger) {}

  // ---- the log
  void on_visible(const stream::Decision& decision);
  void on_truncated(std::int64_t first);

  // ---- its readers: what they know when they have read up to `position`
  void on_master(const std::string& id, const master::Hard& knows, std::int64_t position);
  void on_duty(const WorkerId& worker, const worker::DesiredState& knows, std::int64_t position);
  void on_sources(const WorkerId& producer, const producer::Assignments& knows, std::int64_t position);
  void on_master_begins(std::int64_t at) { counts_.begun_behind += at > 0 ? 1 : 0; }
  void on_overtaken() { ++counts_.overtaken; }
  // A master is about to send a tick under this claim.
  void on_tick(const stream::Claim& claim);

  const master::Hard& plan() const { return state_.hard; }
  Time changed_at() const { return changed_at_; }  // the last decision that counts

  struct Counts {
    int leaders = 0;     // claims that won
    int takeovers = 0;   // partitions that went to another owner
    int snapshots = 0;   // that are whole and count
    int void_parts = 0;  // of snapshots, written by who was deposed
    int truncations = 0;
    int overtaken = 0;     // masters under which the log was truncated
    int begun_behind = 0;  // masters that began at a snapshot
  };
  const Counts& counts() const { return counts_; }

 private:
  bool claim_stands(const stream::Decision& decision);
  void observe(const stream::Decision& decision, bool counts);
  void note(const stream::Assign& assign);
  void note(const stream::SnapshotPart& part, const master::Hard& before);
  bool is_read(std::int64_t position) const { return position == position_; }

  const Scheduler& clock_;
  Ledger& ledger_;
  master::State state_;
  std::int64_t position_ = 0;
  // By rules of its own: which claim stands, and since when.
  std::string log_, leader_;
  std::int64_t epoch_ = 0;
  Time claimed_at_{0};
  std::pair<std::string, std::int64_t> snapshot_begin_;
  std::set<std::int64_t> valid_;  // first offsets of whole snapshots that count
  std::map<std::tuple<std::string, PartitionId>, std::pair<Epoch, WorkerId>> owners_;
  Time changed_at_{0};
  Counts counts_;
};

}  // namespace ride::simulation
