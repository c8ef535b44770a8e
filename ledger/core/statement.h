// Statement: what became of every frame, stage by stage and topic by topic, from the audit and the stages' own counts.
// For every stage: in = ACKed + filtered + dropped + dead + expired + in flight. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "ledger/core/audit.h"
#include "stream/spec.h"

namespace ride::ledger {

// According to a stage's commits.
struct Counted {
  std::int64_t acked = 0, filtered = 0, dropped = 0, dead = 0, expired = 0;
  std::int64_t sum() const { return acked + filtered + dropped + dead + expired; }
};

struct StageLine {
  std::string stage, topic;
  std::int64_t in = 0;  // frames that counted in its topic
  Counted counted;
  std::int64_t in_flight = 0;  // what is missing of the equation; below 0: more was ACKed than came
  std::int64_t repeated = 0;   // records in its topic that were written again
  std::int64_t rejected = 0;   // of the dropped: a source refused the picture
  std::int64_t unseen = 0;     // records deleted before the ledger read them: its other numbers are too low by them
};

// One topic that a source or stage writes into, seen from its reader.
struct FlowLine {
  std::string from, topic, to;  // to: the stage that reads it; empty: a topic outside the job, or files
  std::int64_t expected = 0;    // frames that `from` was given (a source: frames that any of its topics holds)
  std::int64_t arrived = 0;
  std::int64_t missing = 0;   // expected and not arrived: in flight while it runs, lost at rest
  std::int64_t twice = 0;     // counted more often than `from` was given them
  std::int64_t ahead = 0;     // read here before it was read where it came from; at rest there is none
  std::int64_t repeated = 0;  // written again, and dropped by every reader
  std::int64_t hidden = 0;  // of the missing: they are there, behind a higher origin that their upstream did not write
  std::int64_t explained =
      0;  // of the missing: a topic outside the job holds no outcomes; or records were deleted unseen
  struct Frame {
    SessionKey session_key;
    std::int64_t number = 0;
  };
  std::vector<Frame> missing_frames, twice_frames;  // the first thousand of each
  std::vector<std::string> examples;                // a few of those that are missing or came twice: "gate/3/1042"
};

struct Statement {
  std::int64_t sent = 0;  // frames of all sources
  std::vector<StageLine> stages;
  std::vector<FlowLine> flows;

  std::int64_t open() const;  // in flight now; what is still open when all has come to rest is lost
  std::int64_t twice() const;
  std::int64_t redelivered() const;
  std::int64_t hidden() const;
  std::int64_t unseen() const;
  bool clean() const;  // of a job that has come to rest: nothing lost, nothing twice
};

Statement make_statement(const stream::JobSpec& spec, const Audit& audit,
                         const std::map<std::string, Counted>& counted);

// Before the job has come to rest, what is missing is in flight.
std::string to_text(const Statement& statement, bool at_rest = true);
nlohmann::ordered_json to_json(const Statement& statement);

}  // namespace ride::ledger
