// What a master knows. Hard: what stands in ride.decisions, changed by apply() alone, the same for every reader of the
// log. Soft: what reports contained lately, rebuilt by listening. Ordered containers throughout: equal logs give equal
// decisions. Owner: one thread. Pure values.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/units.h"
#include "master/core/cow.h"
#include "master/core/measure.h"
#include "master/core/silence.h"
#include "stream/control.h"
#include "stream/core/leader_filter.h"
#include "stream/core/snapshot.h"

namespace ride::master {

using stream::JobPhase;
using stream::ProcessKind;

struct StageKey {
  JobName job;
  RunNumber run;
  StageName stage;
  auto operator<=>(const StageKey&) const = default;
};
std::string to_string(const StageKey& key);  // "street/1/clean"

struct SourceKey {
  JobName job;
  RunNumber run;
  std::string source;
  auto operator<=>(const SourceKey&) const = default;
};

// ---- hard -----------------------------------------------------------------------------------------------------------

struct Partition {
  WorkerId owner;          // empty: nobody
  WorkerId previous;       // who had it before, for words
  Epoch epoch;             // of the last Assign
  bool releasing = false;  // its owner was asked to hand it back
  SystemTime deadline{};   // of that
  bool operator==(const Partition&) const = default;
};

// Workers have ended with this frame inside process() (decision 0007).
struct StruckFrame {
  std::vector<WorkerId> workers;  // each strikes once
  std::vector<std::string> causes;
  bool quarantined = false;
  SystemTime at{};  // of the last strike
  bool operator==(const StruckFrame&) const = default;
};
using FramePlace = std::pair<PartitionId, Offset>;

struct Stage {
  std::map<FramePlace, StruckFrame> strikes;
  std::vector<Partition> partitions;
  std::set<WorkerId> actives, spares;  // the group
  Epoch epoch;                         // the highest given out
  int releasing = 0;                   // partitions that are being handed back
  int workers = 0;                     // wanted actives; 0: as many as declared
  bool held = false;                   // ... by a person: the platform leaves it alone
  std::string sized_because;           // why so many, and since when
  SystemTime sized_at{};
  bool operator==(const Stage&) const = default;
};

struct Source {
  WorkerId producer;  // empty: nobody
  WorkerId previous;
  SessionId session;
  Epoch epoch;
  std::map<FramePlace, StruckFrame> strikes;  // against its items
  bool operator==(const Source&) const = default;
};

struct Job {
  std::shared_ptr<const stream::JobSpec> spec;
  std::shared_ptr<const std::string> topology;
  std::int64_t order = 0;  // of submission
  SystemTime submitted_at{};
  JobPhase phase = JobPhase::creating;
  std::string reason;
  SystemTime phase_at{};
  stream::LogEnds ends;        // draining: of its adopted topics
  stream::FrameTotals totals;  // over: as its end reported
  std::map<StageName, Cow<Stage>> stages;
  std::map<std::string, Source> sources;
  std::shared_ptr<const stream::JobQueued> next;  // begins when this run is completed; null: nothing follows

  const stream::StageSpec& stage_spec(const StageName& stage) const;
  const stream::SourceSpec& source_spec(const std::string& source) const;
  bool operator==(const Job& other) const;
};

// Of the job's stage or source of this name; null when it has none.
const std::map<FramePlace, StruckFrame>* strikes_of(const Job& job, const StageName& name);

// A worker belongs to one group at a time.
struct Membership {
  StageKey stage;
  bool spare = false;
  bool operator==(const Membership&) const = default;
};

// Incarnations that are out never come back. Bounded: the oldest are forgotten, long after their last report could
// arrive.
struct OutList {
  std::set<WorkerId> ids;
  std::deque<WorkerId> order;
  bool operator==(const OutList&) const = default;
};

struct Hard {
  stream::LeaderFilter standing;
  stream::Claim claim;                                           // the standing one
  std::map<JobName, Cow<Job>> jobs;                              // the latest run of each name
  std::map<JobName, RunNumber> runs;                             // the highest run ever used
  std::map<JobName, std::map<std::string, SessionId>> sessions;  // ... and session, by source: files are named by it
  Cow<std::map<WorkerId, Membership>> members;
  Cow<OutList> out;
  std::int64_t accepted = 0;  // jobs so far

  const Job* find(const JobName& job, RunNumber run) const;  // null when it is not the latest run
  const Stage* find(const StageKey& key) const;
  const Membership* member(const WorkerId& worker) const;
  bool is_out(const WorkerId& worker) const;

  // Whoever adds a member adds it to stream::Snapshot, too: a test compares what a snapshot restores.
  bool operator==(const Hard&) const = default;
};

bool is_over(JobPhase phase);     // completed, cancelled, failed
bool has_owners(JobPhase phase);  // running, paused, draining: partitions and sources are given to someone

// ---- soft -----------------------------------------------------------------------------------------------------------

struct Process {
  stream::Heartbeat last;
  bool heard = false;            // false: known from the decisions log only
  std::int64_t last_tick = 0;    // number of ticks in the log before its last heartbeat
  std::int64_t joined_tick = 0;  // its group
  std::int64_t first_tick = 0;   // number of ticks when its first heartbeat was read
  int heard_ticks = 0;           // in which it reported, up to Rules::settled_ticks
  SystemTime last_seen{};
  LogTime heard_at{0};       // by the log's clock: its last report
  Rhythm rhythm;             // of its reports
  std::int64_t vouched = 0;  // number of its agent's heartbeat that last listed it
  WorkerRate rate;
};

// A process that went, for display.
struct Gone {
  stream::Heartbeat last;
  std::string reason;
  bool left = false;    // said goodbye
  bool silent = false;  // nobody saw it end
  SystemTime at{};
};

// As Kafka reported it of a partition whose owner does not (unreported.h).
struct MeasuredLog {
  std::int64_t committed = 0, end = 0;
  bool operator==(const MeasuredLog&) const = default;
};

// Who gave or got a partition lately to even out the load: the other way round must wait (Rules::rest).
struct Rests {
  std::set<WorkerId> group;  // another one begins anew
  std::map<WorkerId, SystemTime> gave, got;
};

struct StageReports {
  std::vector<stream::PartitionProgress> partitions;
  std::map<std::size_t, MeasuredLog> measured;  // of those whose owner has not reported anything yet, or that have none
  int ended = 0;                                // partitions whose end record went through
  std::set<PartitionId> released;               // handed back, not yet given to the next one
  std::string waiting;                          // why it lacks workers, as last reported
  std::int64_t lacking_since = -1;              // tick; -1: it has the workers that it wants
  StageFlow flow;
  SizeHistory sizes;
  Rests rests;
  int too_few = 0;                   // looks in a row at which the group was too small
  std::optional<double> usual_rate;  // frames per busy second of a worker here, as last measured of any
};

struct SourceReports {
  stream::SourceProgress last;
  bool ended = false;
  std::int64_t earlier_frames = 0;  // of earlier sessions
  std::string waiting;              // why nobody has it, as last reported
};

struct Departure {
  WorkerId worker;
  std::string reason;
  bool left = false;
  bool silent = false;  // nobody saw it end
};

// It waits for the name of a process that has not ended (rivals.h).
struct Rival {
  stream::Heartbeat last;
  std::int64_t first_tick = 0, last_tick = 0;  // of its reports
  int reported = 0;                            // ticks in which it did
  std::int64_t holder_tick = -1;               // the last one in which the other one reported since ...
  int holder_reported = 0;                     // ... and how many these are
  bool may_replace = false;  // the other one had settled: with this one there will be no more than before
};

// It must end, since its name is another one's.
struct NameTaken {
  WorkerId worker;
  std::string reason;
};

struct SubmitRequest {
  std::int64_t ticket = 0;
  stream::JobSpec spec;  // with the run number of next_run()
  std::string topology;
  bool replace = false;  // what differs from a run that goes on may need a new run
  stream::LogEnds ends;  // with replace: where the run that goes on ends in its adopted topics
};

enum class PhaseCommand { pause, resume, drain, cancel };
const char* to_string(PhaseCommand command);
std::optional<PhaseCommand> parse_phase_command(const std::string& text);

struct PhaseRequest {
  std::int64_t ticket = 0;
  JobName job;
  PhaseCommand command = PhaseCommand::pause;
  bool delete_topics = false;  // with cancel
  stream::LogEnds ends;        // with drain: where the job ends in its adopted topics
};

// A person sets the size of a group, or freezes it, or lets it go.
struct ScaleRequest {
  std::int64_t ticket = 0;
  JobName job;
  StageName stage;             // empty: every stage of the job
  std::optional<int> workers;  // absent: as many as there are
  bool hold = true;            // false: the platform sizes it again
};

struct TopicsOutcome {
  JobName job;
  RunNumber run;
  std::optional<std::string> failure;  // absent: they are ready
};

struct FatalNotice {
  std::string job;
  std::string text;
};

// A node, or the log itself, began to be slow, or is no longer slow; in words.
struct LoadChange {
  bool slow = false;
  std::string text;
};

// What the next decision has to look at. Empty most of the time: then a decision costs nothing.
struct Due {
  bool everything = false;  // a new leader looks at all once
  bool pool = false;        // workers came or went, or a group changed
  bool sources = false;
  bool deadlines = false;        // time passed while something has a deadline
  bool snapshot = false;         // the log grew long enough
  std::int64_t mass_silent = 0;  // so many fell silent at once that nobody is declared lost yet
  std::int64_t refused = 0;      // heartbeats for which there was no space, since the last report of it
  std::vector<LoadChange> loads;
  std::vector<Departure> departures;
  std::vector<NameTaken> names_taken;
  std::vector<stream::ChildExit> exits;  // of children whose crash note names frames
  std::vector<SubmitRequest> submits;
  std::vector<PhaseRequest> phases;
  std::vector<ScaleRequest> scales;
  bool sizes = false;  // it is time to look at the groups' sizes
  std::vector<TopicsOutcome> topics;
  std::vector<FatalNotice> fatal;
  std::set<StageKey> stages;  // partitions to place
  std::set<JobName> ends;     // may be complete

  bool any() const;
};

struct Deletion {
  std::shared_ptr<const stream::JobSpec> spec;
  SystemTime since{};
};

// All that leads into a stage has ended, nothing is left to read, and yet its input did not end.
struct MissingEnd {
  std::string words;
  SystemTime since{};
  bool reported = false;
};

// Lost by silence: if it reports again soon, the loss was false.
struct Silenced {
  std::int64_t last_tick = 0;  // of its last report
  std::int64_t allowed = 0;    // ticks of silence that it was given
};
struct LossBackoff {
  std::int64_t factor = 1;  // of the ticks to a loss
  std::int64_t tick = 0;    // of the last false loss
};

// Of the processes: how many are there for whom nothing was decided (admission.h). Counted anew with every tick.
struct AdmissionCounts {
  std::map<NodeName, std::int64_t> expected;  // so many more has the node's agent announced
  std::int64_t announced = 0, unannounced = 0;
  std::int64_t feeding = 0;   // producers that own a source
  std::int64_t refused = 0;   // heartbeats for which there was no space, so far ...
  std::int64_t reported = 0;  // ... and as of the last report of it ...
  SystemTime reported_at{};   // ... which was then
};

struct Soft {
  std::map<WorkerId, Process> processes;  // not out
  std::map<std::string, WorkerId> names;  // slot name -> the incarnation that has it
  std::map<std::string, Rival> rivals;    // slot name -> who waits for it
  std::deque<Gone> gone;                  // bounded
  std::map<WorkerId, Departure> leaving;  // why, of those whose WorkerOut is under way
  std::map<StageKey, StageReports> stages;
  std::map<SourceKey, SourceReports> sources;
  std::int64_t ticks = 0;  // of the standing leader, in the log
  LogClock clock;
  std::map<NodeName, NodePulse> nodes;  // of which processes are known
  LogTime looked_at{0};                 // at the nodes, for silence
  OverloadWatch slow_ticks;
  std::int64_t grace_from = 0;   // processes without a heartbeat since this tick have grace ...
  SystemTime grace_until{};      // ... until then
  std::set<StageKey> unsettled;  // to be looked at again with every tick: moving, or not warm yet
  bool pool_again = false;       // the same for groups and for sources
  bool sources_again = false;
  std::int64_t led_tick = 0;                         // when this master began to lead
  std::map<JobName, std::int64_t> begun;             // tick at which a job began to run, as seen here
  std::vector<Deletion> deletions;                   // topics to delete when nobody uses them any more
  std::map<WorkerId, Silenced> silenced;             // lost by silence a short while ago
  std::map<std::string, LossBackoff> loss_backoffs;  // slots that were declared lost though they lived
  SystemTime sized_at{};                             // last look at the groups' sizes
  SystemTime mass_silence_until{};                   // many fell silent at once: until then only seen deaths count
  std::map<JobName, MissingEnd> missing_ends;        // of jobs that will not complete
  std::int64_t records = 0;                          // of the decisions log, behind the last snapshot
  std::int64_t snapshots = 0;                        // written by this process
  std::string snapshot;                              // the last one that was read whole, and counts
  stream::SnapshotAssembler assembler;
  AdmissionCounts admission;
  Due due;
};

struct Rules {
  std::int64_t ticks_to_loss = 5;                // silence of one process is no loss before so many
  std::chrono::milliseconds least_silence{200};  // of a whole node: two heartbeats of each of its processes
  std::chrono::milliseconds most_silence{4000};  // however irregular a process was, it is not waited for longer
  std::chrono::milliseconds most_vouched{5000};  // ... though its agent sees it run
  std::chrono::milliseconds tick_interval{100};
  std::chrono::milliseconds grace{3000};
  std::chrono::milliseconds release_timeout{5000};
  std::chrono::milliseconds rest{5000};    // who got a partition gives none so long, who gave one gets none
  std::int64_t warm_ticks = 30;            // who is not warm by then is taken as it is
  std::int64_t gather_ticks = 10;          // a new stage waits so long for its whole group
  std::int64_t open_ticks = 30;            // a new job's sources wait so long for its stages to be ready
  std::int64_t ask_ticks = 20;             // a group that lacks workers waits so long before another one must give one
  std::int64_t loss_backoff_limit = 8;     // after false losses a slot is given up to so many times the ticks
  std::int64_t loss_backoff_ticks = 6000;  // ... and the usual ones when it had none for so long
  std::int64_t mass_silence_share = 5;     // when over a fifth fall silent at once ...
  std::int64_t mass_silence_least = 8;     // ... and at least so many: fewer say nothing about the log
  std::chrono::milliseconds mass_silence{3000};  // ... only seen deaths count for so long
  std::chrono::milliseconds size_every{300};     // how often the sizes of groups are looked at
  std::int64_t most_unannounced = 2000;          // processes that no agent announced, beyond those with something to do
  std::int64_t most_announced = 10'000;          // ... and that agents announced
  int settled_ticks = 3;                 // who reported in fewer and has nothing to do is forgotten without a decision
  std::int64_t snapshot_records = 5000;  // of the decisions log: then a snapshot is written and what is before deleted
  std::size_t snapshot_part_bytes = 500'000;  // in one record
};

struct State {
  Rules rules;
  Hard hard;
  Soft soft;
};

// The time between two ticks: 100 ms, or 1 ms for each worker that is in a group, where there are more (decision 0026).
std::chrono::milliseconds tick_interval(const State& state);
std::int64_t ticks_to_loss(const State& state, const WorkerId& worker);  // its own: more after a false loss
// Active ones: what was decided, within min and max unless a person said it; at first as declared.
int wanted_workers(const stream::StageSpec& spec, const Stage& stage);
std::int64_t ticks_since_begin(const State& state, const JobName& job);
RunNumber next_run(const Hard& hard, const JobName& job);
std::string slot_name(const WorkerId& incarnation);  // "w1" of "w1#3f9a"

}  // namespace ride::master
