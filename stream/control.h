// The records of the two control topics, `ride.decisions` (what is settled) and `ride.reports` (what is seen). One JSON
// object a record, with "type" and "log" (the log's id). Encoded and decoded here only; unknown types are refused by
// name, unknown fields are ignored. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "common/units.h"
#include "stream/spec.h"

namespace ride::stream {

inline constexpr const char* kDecisionsTopic = "ride.decisions";  // with another prefix: "<prefix>.decisions"
inline constexpr const char* kReportsTopic = "ride.reports";

// ---- decisions

// Leadership (decision 0008): the first claim of an epoch in log order wins. The leader's own claim, written again,
// says that it can still write; to readers such a record is void.
struct Claim {
  std::int64_t epoch = 0;
  std::string id;    // of this process start; empty: the leader left, nobody leads from here on
  std::string http;  // where the leader's API is
  bool operator==(const Claim&) const = default;
};

enum class JobPhase { creating, running, paused, draining, completed, cancelled, failed };
const char* to_string(JobPhase phase);
Result<JobPhase> parse_job_phase(const std::string& text);

// Where the logs of topics end that others write (adopted ones), by partition: no end record comes there (decision
// 0017).
using LogEnds = std::map<std::string, std::vector<Offset>>;

// Of a whole job, cumulative: sent by its sources, and ACKed by its last stages.
struct FrameTotals {
  std::int64_t in = 0, out = 0;
  bool operator==(const FrameTotals&) const = default;
};

// A job was accepted as this run; its topics are being made.
struct JobAccepted {
  JobSpec spec;
  std::string topology;  // the file as submitted (credentials are ${VAR}s there), for display
  SystemTime at{};
  bool operator==(const JobAccepted&) const = default;
};
struct JobPhaseChanged {
  JobName job;
  RunNumber run;
  JobPhase phase = JobPhase::creating;
  std::string reason;
  SystemTime at{};
  LogEnds ends;        // draining: what lies behind them is not read any more
  FrameTotals totals;  // over: as far as the leader knew
  bool operator==(const JobPhaseChanged&) const = default;
};

// Partitions of a stage belong to `worker` from now on, at this epoch (one per partition and change).
struct Assign {
  JobName job;
  RunNumber run;
  StageName stage;
  WorkerId worker;
  Epoch epoch;
  std::vector<PartitionId> partitions;
  std::string reason;
  SystemTime at{};
  bool operator==(const Assign&) const = default;
};

// A planned move begins: the owner finishes what it has, commits, answers with Released (decision 0032).
struct Releasing {
  JobName job;
  RunNumber run;
  StageName stage;
  WorkerId worker;
  std::vector<PartitionId> partitions;
  SystemTime deadline{};
  std::string reason;
  bool operator==(const Releasing&) const = default;
};

// What earlier owners of a source reported in this run, handed to the next one: it continues the counts, and looks up
// in the log what `session` wrote in truth, since its owner may have died before it reported its last frames.
struct SourceBefore {
  SessionId session;                                                // the last one that anything is known of; 0: none
  std::int64_t frames = 0;                                          // of the sessions before that one
  std::int64_t told = 0;                                            // of that one: acknowledged ...
  std::int64_t captured = 0;                                        // ... and captured
  std::int64_t unwritten = 0, dropped = 0, rejected = 0, gaps = 0;  // of all of them
  double longest_gap_ms = 0;
  bool operator==(const SourceBefore&) const = default;
};

// A source belongs to `producer`, which opens `session`. Empty producer: taken away.
struct AssignSource {
  JobName job;
  RunNumber run;
  std::string source;
  WorkerId producer;
  SessionId
      session;  // rises with each assignment of a live source; stays 1 for a finite one (it continues by its manifest)
  Epoch epoch;
  std::string reason;
  SystemTime at{};
  SourceBefore before;
  bool operator==(const AssignSource&) const = default;
};

// A worker joined a group (or left it: empty stage). A worker belongs to one group at a time.
struct JoinGroup {
  WorkerId worker;
  JobName job;
  RunNumber run;
  StageName stage;
  bool spare = false;  // opens the task and stays warm, owns nothing
  std::string reason;
  bool operator==(const JoinGroup&) const = default;
};

// An incarnation is out: lost, replaced or gone. It never comes back.
struct WorkerOut {
  WorkerId worker;
  std::string reason;
  bool silent = false;  // nobody saw it end: no heartbeat came
  SystemTime at{};
  bool refused = false;  // another process has its name: it must not join again under it
  bool operator==(const WorkerOut&) const = default;
};

// A piece of a snapshot (stream/core/snapshot.h): it contains all that stands before its first part.
struct SnapshotPart {
  std::string id;  // the same for all parts, another one for each snapshot
  int part = 1, parts = 1;
  std::string text;
  bool operator==(const SnapshotPart&) const = default;
};

// A worker ended while this frame was inside process(), and its agent saw it (decision 0007). The second strike
// quarantines the frame: its owner makes its outcome `dead` without running it.
struct Strike {
  JobName job;
  RunNumber run;
  StageName stage;
  PartitionId partition;
  Offset offset;      // whose reading released the frame
  std::string frame;  // its id, for people
  WorkerId worker;    // that ended; an incarnation strikes once
  std::string cause;  // how, in words
  int count = 0;      // with this one
  bool condemned = false;
  SystemTime at{};
  bool operator==(const Strike&) const = default;
};

// A group shall have so many active workers from now on (decision 0014).
struct Scale {
  JobName job;
  RunNumber run;
  StageName stage;
  int workers = 1;
  bool held = false;  // a person said so: it stays until a person lets it go
  std::string reason;
  SystemTime at{};
  bool operator==(const Scale&) const = default;
};

// A running job was submitted again, and what differs takes effect without a new run: sizes of groups, how they scale,
// the job's priority. Everything else of `spec` is as it was.
struct JobChanged {
  JobSpec spec;
  std::string topology;
  std::string reason;  // what differs, in words
  SystemTime at{};
  bool operator==(const JobChanged&) const = default;
};

// A job was submitted again with changes that need a new run: it begins when the run that goes on is completed. Dropped
// when that is cancelled or fails.
struct JobQueued {
  JobSpec spec;  // with the number of the run to come
  std::string topology;
  std::string reason;  // what differs, in words
  SystemTime at{};
  bool operator==(const JobQueued&) const = default;
};

using DecisionBody = std::variant<Claim, JobAccepted, JobPhaseChanged, Assign, Releasing, AssignSource, JoinGroup,
                                  WorkerOut, SnapshotPart, Strike, Scale, JobChanged, JobQueued>;

struct Decision {
  std::string log;         // id of the decisions log
  std::int64_t epoch = 0;  // of the claim under which it was decided
  std::string leader;      // the claim's id: only records of the standing (epoch, id) count
  DecisionBody body;
  bool operator==(const Decision&) const = default;
};

const char* type_of(const DecisionBody& decision);  // "assign"
std::string encode(const Decision& decision);
Result<Decision> decode_decision(std::string_view json);

// ---- reports

enum class ProcessKind { worker, producer, agent };
const char* to_string(ProcessKind kind);

struct Tick {
  std::int64_t epoch = 0;
  std::string leader;
  std::int64_t number = 0;
  bool operator==(const Tick&) const = default;
};

// Cumulative over owners (they travel in the commit's metadata).
struct OutcomeCounters {
  std::int64_t acked = 0, filtered = 0, dropped = 0, dead = 0, expired = 0, duplicates = 0;
  bool operator==(const OutcomeCounters&) const = default;
};

struct PartitionProgress {
  JobName job;
  RunNumber run;
  StageName stage;
  PartitionId partition;
  Epoch epoch;
  std::int64_t position = 0;          // next offset to read
  std::int64_t committed = 0;         // oldest without an ACK
  std::int64_t end = -1;              // end of the log as last seen; -1: unknown
  bool ended = false;                 // the end record went through and is committed
  double oldest_unacked_age_ms = -1;  // -1: none
  OutcomeCounters counters;
  bool operator==(const PartitionProgress&) const = default;
};

struct SourceProgress {
  JobName job;
  RunNumber run;
  std::string source;
  SessionId session;
  bool connected = false;
  bool ended = false;          // finite source: the end records are acknowledged
  std::int64_t frames = 0;     // acknowledged in this session
  std::int64_t earlier = 0;    // ... and in the earlier ones of this run, as they stand in the log
  std::int64_t captured = 0;   // in this session, of a source that cannot send again: handed to the writer
  std::int64_t unwritten = 0;  // captured in earlier sessions, and not in the log: they ended with their producer
  std::int64_t total = -1;     // known length of a finite source, -1: unknown
  std::int64_t dropped = 0;    // when_late: drop; all owners of this run
  std::int64_t rejected = 0;   // broken files, too large pictures; all owners of this run
  double fps = 0;
  SystemTime last_frame{};
  std::int64_t gaps = 0;
  double longest_gap_ms = 0;
  std::string error;  // why it is not connected; no credentials
  bool operator==(const SourceProgress&) const = default;
};

// What a process offers and how it fares. Sent about every interval by every worker, producer and agent (decision
// 0026).
struct Heartbeat {
  WorkerId id;  // name#incarnation
  ProcessKind kind = ProcessKind::worker;
  NodeName node;
  std::int64_t pid = 0;
  std::string version;
  SystemTime at{};
  std::string http;                            // of its /metrics; empty: none
  std::vector<std::string> devices = {"cpu"};  // what it can serve: cpu, gpu
  double cores = 0;                            // of the node (agents) or given to it (workers)
  std::int64_t memory_bytes = 0;
  std::map<std::string, std::string> labels;
  double cpu_percent = 0;  // of one core, over the last interval
  std::int64_t rss_bytes = 0;
  double busy_fraction = 0;      // of the time inside process()
  double frames_per_second = 0;  // workers: ACKed
  double service_rate = 0;       // frames per busy second; 0: unknown
  std::int64_t frames = 0;       // workers: taken through the task since they opened the stage, cumulative
  double busy_seconds = 0;       // ... and the time that it took: decoded, processed, encoded
  std::vector<PartitionProgress> partitions;
  std::vector<SourceProgress> sources;
  bool warm = false;               // task opened, ready for assign
  std::string group;               // "job/stage" that it has open
  std::vector<WorkerId> children;  // agents: those that run now and are not stopped, as /proc has them (decision 0026)
  std::string host;                // the machine's own name, which `node` need not be
  SystemTime started{};            // by its machine's clock
  bool operator==(const Heartbeat&) const = default;
};

// A frame that was inside process() when a worker ended.
struct NamedFrame {
  JobName job;
  RunNumber run;
  StageName stage;
  PartitionId partition;
  Offset offset;
  std::string frame;
  bool operator==(const NamedFrame&) const = default;
};

// Why a child ended, as far as its agent knows.
enum class ExitCause {
  itself,   // exit(), or a signal that it brought upon itself
  hang,     // killed by its agent: no progress inside process() for the time allowed
  memory,   // killed by its agent above its limit, or by a system that ran out of memory
  outside,  // SIGKILL from somebody else: no frame is to blame
};
const char* to_string(ExitCause cause);

// An agent saw its child end.
struct ChildExit {
  NodeName node;
  WorkerId agent, child;
  std::int64_t pid = 0;
  int exit_code = -1;  // -1: by a signal
  int signal = 0;
  bool ordered = false;  // the agent stopped it on purpose
  bool orderly = false;  // it ended itself because it had to (declared lost, its connection failed): no frame is
                         // to blame
  ExitCause cause = ExitCause::itself;
  std::vector<NamedFrame> frames;  // what its crash note names
  SystemTime at{};
  bool operator==(const ChildExit&) const = default;
};

// A goodbye: the sender owns nothing any more and leaves.
struct Goodbye {
  WorkerId id;
  std::string reason;
  bool operator==(const Goodbye&) const = default;
};

struct Released {
  JobName job;
  RunNumber run;
  StageName stage;
  WorkerId worker;
  std::vector<PartitionId> partitions;
  bool operator==(const Released&) const = default;
};

enum class Severity { info, warning, error };
const char* to_string(Severity severity);

// Something that a person should know: a broken file, a camera's gap, a record that is no frame, a task error, a full
// disk.
struct Notice {
  WorkerId from;
  NodeName node;
  Severity severity = Severity::info;
  std::string code;  // stable, for scripts: "broken_picture", "camera_gap", "not_a_frame", ...
  std::string text;
  std::string job, stage;      // or source
  bool fatal_for_job = false;  // the job cannot go on: topic gone, commit lost
  SystemTime at{};
  bool operator==(const Notice&) const = default;
};

using ReportBody = std::variant<Tick, Heartbeat, ChildExit, Goodbye, Released, Notice>;

struct Report {
  std::string log;  // id of the reports log
  ReportBody body;
  bool operator==(const Report&) const = default;
};

const char* type_of(const ReportBody& report);  // "heartbeat"
std::string encode(const Report& report);
Result<Report> decode_report(std::string_view json);

}  // namespace ride::stream
