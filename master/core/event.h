// What can happen to a master's core, and what it may ask of its shell. Events are past tense, actions imperative.
// Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "master/core/state.h"

namespace ride::master {

// A record of ride.reports of this log.
struct ReportRead {
  stream::ReportBody body;
  SystemTime at{};  // when it came into the log, by a clock that nobody sets (RecordTimes in silence.h)
};
// This master's claim stands, and all before it is applied.
struct LeadershipTaken {};

// How far logs reach and what is committed of them, as Kafka reports it of partitions whose owner does not
// (unreported.h).
struct LogsMeasured {
  struct One {
    StageKey stage;
    PartitionId partition;
    Offset committed, end;
  };
  std::vector<One> partitions;
};

using Event =
    std::variant<ReportRead, SubmitRequest, PhaseRequest, ScaleRequest, TopicsOutcome, LogsMeasured, LeadershipTaken>;

// Of a request that waits for its Answer.
std::optional<std::int64_t> ticket_of(const Event& event);

// Append these to ride.decisions in this order, read them back, apply them; only then go on with the next action.
struct Append {
  std::vector<stream::DecisionBody> decisions;
};
// Make the job's topics and first commits, then report a TopicsOutcome. Idempotent.
struct EnsureTopics {
  std::shared_ptr<const stream::JobSpec> spec;
};
struct DeleteTopics {
  std::shared_ptr<const stream::JobSpec> spec;
};
// Delete what stands in the decisions log before the first part of this snapshot, if it was read back whole and counted
// (State::soft.snapshot is its id); otherwise do nothing. Idempotent.
struct TruncateBehind {
  std::string snapshot;
};
// The answer to a request.
struct Answer {
  std::int64_t ticket = 0;
  Result<RunNumber> result;
};
// An entry for the event list and the log that is no decision.
struct Notify {
  stream::Severity severity = stream::Severity::info;
  std::string code;  // stable, for scripts
  std::string job, stage;
  std::string text;
};

using Action = std::variant<Append, EnsureTopics, DeleteTopics, Answer, Notify, TruncateBehind>;

}  // namespace ride::master
