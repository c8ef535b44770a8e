#include "stream/core/control_limits.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <set>

#include "source_kinds/source_decl.h"
#include "stream/core/artifact.h"

namespace ride::stream {

namespace {

constexpr std::int64_t kMostMs = std::int64_t{3650} * 24 * 3600 * 1000;    // of a duration: ten years
constexpr std::int64_t kLatest = std::int64_t{4'102'444'800} * 1'000'000;  // of a time, in µs: the year 2100
constexpr double kMostReal = 1e15, kMostCores = 1e6;
constexpr std::size_t kMostList = 16'384;  // entries of a list that has no limit of its own
// 64 that a command line may give (common/label.h), and our own.
constexpr std::size_t kMostLabels = 72, kMostLabel = 1'024, kMostDevices = 16, kMostParams = 1'000;
constexpr std::size_t kMostValue = 65'536;      // bytes of a parameter or a URI
constexpr std::size_t kMostTopology = 4 << 20;  // a file has at most 1 MiB; bytes that are no UTF-8 grow
constexpr std::size_t kMostPartText = 4 << 20;
constexpr std::size_t kMostStruck = 1'000;  // frames of a stage, and workers that ended with one

// Keeps the first thing that is wrong.
class Check {
 public:
  void number(const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (!fault_ && (value < least || value > most))
      fault_ = fmt::format("{} is {}; it may be from {} to {}", what, value, least, most);
  }
  void real(const char* what, double value, double most = kMostReal) {
    if (!fault_ && !(std::abs(value) <= most)) fault_ = fmt::format("{} is {}, which is impossible", what, value);
  }
  void text(const char* what, const std::string& value, std::size_t most) {
    if (!fault_ && value.size() > most)
      fault_ = fmt::format("{} has {} bytes; at most {} are allowed", what, value.size(), most);
  }
  void count(const char* what, std::size_t value, std::size_t most) {
    if (!fault_ && value > most) fault_ = fmt::format("{} {}; at most {} are allowed", value, what, most);
  }
  // Of a process, a job or a stage: it appears in names of topics and files, in logs and on terminals.
  void name(const char* what, const std::string& value) {
    text(what, value, kMostName);
    for (const char c : value)
      if (!fault_ && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f))
        fault_ = fmt::format("{} holds a control character", what);
  }
  // ... of what a job declares: as in a topology file.
  void declared(const char* what, const std::string& value) {
    bool plain = !value.empty() && value.size() <= kMostName && value != "." && value != "..";
    for (const char c : value)
      plain = plain && (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.');
    if (!fault_ && !plain) fault_ = fmt::format("{} is not a name", what);
  }
  void time(const char* what, SystemTime at) { number(what, at.time_since_epoch().count(), -kLatest, kLatest); }
  void rank(const char* what, std::int64_t value, std::int64_t most = kMostNumber) { number(what, value, 0, most); }
  void frames(const char* what, std::int64_t value) { number(what, value, -1, kMostFrames); }
  void partition(PartitionId id) { number("a partition", id.value, 0, kMostPartitions - 1); }
  void partitions(const std::vector<PartitionId>& ids) {
    count("partitions", ids.size(), kMostPartitions);
    for (const auto id : ids) partition(id);
  }
  void job(const JobName& job, RunNumber run) {
    name("the job's name", job.value);
    rank("the run", run.value);
  }
  void say(std::optional<std::string> fault) {
    if (!fault_) fault_ = std::move(fault);
  }
  std::optional<std::string> fault() { return std::move(fault_); }

 private:
  std::optional<std::string> fault_;
};

// ---- a job ----------------------------------------------------------------------------------------------------------

void check(Check& check, const ParamValues& params) {
  check.count("parameters", params.size(), kMostParams);
  for (const auto& [name, value] : params) {
    check.text("a parameter's name", name, kMostName);
    if (const auto* text = std::get_if<std::string>(&value)) check.text("a parameter", *text, kMostValue);
  }
}

void check(Check& check, const std::map<std::string, std::string>& labels) {
  check.count("labels", labels.size(), kMostLabels);
  for (const auto& [name, value] : labels) {
    check.text("a label's name", name, kMostName);
    check.text("a label", value, kMostLabel);
  }
}

void check(Check& check, const std::vector<OutputSpec>& outputs) {
  check.count("outputs", outputs.size(), kMostStages);
  for (const auto& output : outputs) {
    check.name("an output's port", output.port);
    check.name("an output's reader", output.to);
    check.name("an output's topic", output.topic);
    check.name("a codec", output.codec);
    check.number("an output's partitions", output.partitions, 1, kMostPartitions);
  }
}

void check(Check& check, const GroupSpec& group) {
  check.name("a device", group.device);
  check.number("group.min", group.min, 0, kMostPartitions);
  check.number("group.max", group.max, 0, kMostPartitions);
  check.number("group.spares", group.spares, 0, kMostPartitions);
  check.real("group.cores", group.cores, kMostCores);
  check.number("group.memory", group.memory_bytes, 0, kMostNumber);
  check.real("group.target", group.scaling.target);
  check.number("group.drain", group.scaling.drain_ms, 0, kMostMs);
  check.number("group.calm", group.scaling.calm_ms, 0, kMostMs);
}

void check(Check& it, const StageSpec& stage) {
  it.declared("a stage's name", stage.name);
  it.name("a stage's topic", stage.topic);
  it.text("a group's id", stage.group_id, 4 * kMostName);
  it.name("a stage's task", stage.task);
  it.number("a stage's partitions", stage.partitions, 1, kMostPartitions);
  it.count("upstreams", stage.upstreams.size(), kMostStages);
  for (const auto& one : stage.upstreams) {
    it.name("an upstream's name", one.name);
    it.number("an upstream's partitions", one.partitions, 1, kMostPartitions);
  }
  if (stage.adopt)
    for (const auto* text : {&stage.adopt->format, &stage.adopt->shape, &stage.adopt->depth})
      it.name("what an adopted topic holds", *text);
  check(it, stage.params);
  it.count("artifacts", stage.artifacts.size(), kMostArtifactsOfStage);
  for (const auto& [param, artifact] : stage.artifacts) {
    it.text("a parameter's name", param, kMostName);
    it.say(find_fault(artifact));
  }
  check(it, stage.outputs);
  check(it, stage.group);
  check(it, stage.group.labels);
  for (const auto ms : {stage.frame_timeout_ms, stage.max_age_ms, stage.keep_ms, stage.retention_ms})
    it.number("a stage's time", ms, 0, kMostMs);
  it.number("max_pixels", stage.max_pixels, 0, kMostNumber);
  it.number("replication", stage.replication, 0, 1'000);
  it.number("max_message_bytes", stage.max_message_bytes, 0, INT32_MAX);
}

// Frames that are made from numbers are as large as a topology file may ask for.
void check_made_frames(Check& it, const SourceSpec& source) {
  for (const KeySpec& key : source_kind(source.kind).keys) {
    const auto found = source.params.find(key.param_name());
    const auto* value = found == source.params.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
    if (key.sizes_frames && value != nullptr)
      it.number(key.name.c_str(), *value, static_cast<std::int64_t>(*key.min), static_cast<std::int64_t>(*key.max));
  }
}

void check(Check& it, const SourceSpec& source) {
  it.declared("a source's name", source.name);
  it.name("a source's kind", source.kind);
  it.text("a source's URI", source.uri, kMostValue);
  it.name("a codec", source.codec);
  it.name("a node", source.node);
  it.real("fps", source.fps);
  it.number("max_age", source.max_age_ms, 0, kMostMs);
  it.number("max_pixels", source.max_pixels, 0, kMostNumber);
  it.number("max_message_bytes", source.max_message_bytes, 0, INT32_MAX);
  check(it, source.params);
  check_made_frames(it, source);
  check(it, source.outputs);
}

template <class Part>
void check_unique(Check& check, const std::vector<Part>& parts, const char* what) {
  std::set<std::string_view> names;
  for (const auto& part : parts)
    if (!names.insert(part.name).second) check.say(fmt::format("two {} are named '{}'", what, part.name));
}

void check(Check& it, const JobSpec& spec) {
  it.declared("the job's name", spec.job.value);
  it.rank("the run", spec.run.value);
  it.name("the prefix", spec.prefix);
  it.number("the priority", spec.priority, -1'000'000, 1'000'000);
  it.count("sources", spec.sources.size(), kMostSourcesOfJob);
  it.count("stages", spec.stages.size(), kMostStages);
  std::int64_t partitions = 0;
  for (const auto& source : spec.sources) check(it, source);
  for (const auto& stage : spec.stages) {
    check(it, stage);
    partitions += stage.partitions;
  }
  it.number("the partitions of all stages", partitions, 0, kMostPartitionsOfJob);
  check_unique(it, spec.sources, "sources");
  check_unique(it, spec.stages, "stages");
}

void check(Check& check, const LogEnds& ends) {
  check.count("topics that end", ends.size(), kMostStages);
  for (const auto& [topic, offsets] : ends) {
    check.name("a topic", topic);
    check.count("partitions", offsets.size(), kMostPartitions);
    for (const auto offset : offsets) check.frames("the end of a topic", offset.value);
  }
}

// ---- decisions ------------------------------------------------------------------------------------------------------

void check(Check& it, const Claim& claim) {
  it.rank("a claim's epoch", claim.epoch);
  it.name("a claim's id", claim.id);
  it.name("a leader's address", claim.http);
}

template <class Submitted>  // JobAccepted, JobChanged, JobQueued
void check_submitted(Check& it, const Submitted& job) {
  check(it, job.spec);
  it.text("the topology", job.topology, kMostTopology);
  it.time("'at'", job.at);
}
void check(Check& it, const JobAccepted& accepted) { check_submitted(it, accepted); }
void check(Check& it, const JobChanged& changed) { check_submitted(it, changed); }
void check(Check& it, const JobQueued& queued) { check_submitted(it, queued); }

void check(Check& it, const JobPhaseChanged& changed) {
  it.job(changed.job, changed.run);
  it.time("'at'", changed.at);
  check(it, changed.ends);
  it.number("frames in", changed.totals.in, 0, kMostTotal);
  it.number("frames out", changed.totals.out, 0, kMostTotal);
}

template <class Group>  // what names a stage and a worker
void check_group(Check& it, const Group& one) {
  it.job(one.job, one.run);
  it.name("the stage's name", one.stage.value);
  it.name("a worker's id", one.worker.value);
}

void check(Check& it, const Assign& assign) {
  check_group(it, assign);
  it.rank("an epoch", assign.epoch.value);
  it.partitions(assign.partitions);
  it.time("'at'", assign.at);
}
void check(Check& it, const Releasing& releasing) {
  check_group(it, releasing);
  it.partitions(releasing.partitions);
  it.time("the deadline", releasing.deadline);
}
void check(Check& it, const AssignSource& assign) {
  it.job(assign.job, assign.run);
  it.name("the source's name", assign.source);
  it.name("a producer's id", assign.producer.value);
  it.rank("a session", assign.session.value);
  it.rank("an epoch", assign.epoch.value);
  it.time("'at'", assign.at);
  const auto& before = assign.before;
  it.rank("a session", before.session.value);
  for (const auto value :
       {before.frames, before.told, before.captured, before.unwritten, before.dropped, before.rejected, before.gaps})
    it.number("a counter", value, 0, kMostFrames);
  it.real("a gap", before.longest_gap_ms);
}
void check(Check& it, const JoinGroup& join) { check_group(it, join); }
void check(Check& it, const WorkerOut& out) {
  it.name("a worker's id", out.worker.value);
  it.time("'at'", out.at);
}
void check(Check& it, const SnapshotPart& part) {
  it.name("a snapshot's id", part.id);
  it.number("a part", part.part, 1, kMostPartitions);
  it.number("parts", part.parts, part.part, kMostPartitions);
  it.text("a part", part.text, kMostPartText);
}
void check(Check& it, const Strike& strike) {
  check_group(it, strike);
  it.partition(strike.partition);
  it.number("an offset", strike.offset.value, 0, kMostFrames);
  it.number("strikes", strike.count, 0, static_cast<std::int64_t>(kMostStruck));
  it.time("'at'", strike.at);
}
void check(Check& it, const Scale& scale) {
  it.job(scale.job, scale.run);
  it.name("the stage's name", scale.stage.value);
  it.number("workers", scale.workers, 1, kMostPartitions);
  it.time("'at'", scale.at);
}

// ---- reports --------------------------------------------------------------------------------------------------------

void check(Check& it, const Tick& tick) {
  it.rank("a claim's epoch", tick.epoch);
  it.name("the leader's id", tick.leader);
  it.rank("a tick's number", tick.number);
}

void check(Check& it, const PartitionProgress& one) {
  it.job(one.job, one.run);
  it.name("the stage's name", one.stage.value);
  it.partition(one.partition);
  it.rank("an epoch", one.epoch.value);
  it.frames("a position", one.position);
  it.frames("a committed offset", one.committed);
  it.frames("the end of a log", one.end);
  it.real("an age", one.oldest_unacked_age_ms);
  const auto& count = one.counters;
  for (const auto value : {count.acked, count.filtered, count.dropped, count.dead, count.expired, count.duplicates})
    it.number("a counter", value, 0, kMostFrames);
}

void check(Check& it, const SourceProgress& one) {
  it.job(one.job, one.run);
  it.name("the source's name", one.source);
  it.rank("a session", one.session.value);
  for (const auto value :
       {one.frames, one.earlier, one.captured, one.unwritten, one.total, one.dropped, one.rejected, one.gaps})
    it.frames("a counter", value);
  it.real("fps", one.fps);
  it.real("a gap", one.longest_gap_ms);
  it.time("the last frame's time", one.last_frame);
}

void check(Check& it, const Heartbeat& beat) {
  it.name("a process's id", beat.id.value);
  if (beat.id.value.empty()) it.say("a process without an id");
  it.name("a node", beat.node.value);
  it.rank("a process number", beat.pid);
  it.name("a version", beat.version);
  it.name("an address", beat.http);
  it.name("a group", beat.group);
  it.name("a host", beat.host);
  it.time("'at'", beat.at);
  it.time("'started'", beat.started);
  it.count("devices", beat.devices.size(), kMostDevices);
  for (const auto& device : beat.devices) it.name("a device", device);
  check(it, beat.labels);
  for (const auto value :
       {beat.cores, beat.cpu_percent, beat.busy_fraction, beat.frames_per_second, beat.service_rate, beat.busy_seconds})
    it.real("a measure", value);
  it.rank("memory", beat.memory_bytes);
  it.rank("memory in use", beat.rss_bytes);
  it.number("frames", beat.frames, 0, kMostFrames);
  it.count("partitions", beat.partitions.size(), kMostList);
  it.count("sources", beat.sources.size(), kMostList);
  for (const auto& one : beat.partitions) check(it, one);
  for (const auto& one : beat.sources) check(it, one);
  it.count("children", beat.children.size(), kMostChildren);
  for (const auto& child : beat.children) it.name("a child's id", child.value);
}

void check(Check& it, const NamedFrame& frame) {
  it.job(frame.job, frame.run);
  it.name("the stage's name", frame.stage.value);
  it.partition(frame.partition);
  it.number("an offset", frame.offset.value, 0, kMostFrames);
}

void check(Check& it, const ChildExit& exit) {
  it.name("a node", exit.node.value);
  it.name("an agent's id", exit.agent.value);
  it.name("a process's id", exit.child.value);
  it.rank("a process number", exit.pid);
  it.count("frames", exit.frames.size(), kMostList);
  it.time("'at'", exit.at);
  for (const auto& frame : exit.frames) check(it, frame);
}

void check(Check& it, const Goodbye& goodbye) { it.name("a process's id", goodbye.id.value); }
void check(Check& it, const Released& released) {
  check_group(it, released);
  it.partitions(released.partitions);
}
void check(Check& it, const Notice& notice) {
  it.name("a process's id", notice.from.value);
  it.name("a node", notice.node.value);
  it.name("a notice's code", notice.code);
  it.name("the job's name", notice.job);
  it.name("the stage's name", notice.stage);
  it.time("'at'", notice.at);
}

// ---- a snapshot -----------------------------------------------------------------------------------------------------

void check(Check& it, const Snapshot::Stage& stage) {
  it.name("the stage's name", stage.name.value);
  it.rank("an epoch", stage.epoch.value, kMostAtBegin);
  it.count("partitions", stage.partitions.size(), kMostPartitions);
  it.number("workers", stage.workers, 0, kMostPartitions);
  it.text("a reason", stage.sized_because, kMostText);
  it.time("'sized_at'", stage.sized_at);
  for (const auto* workers : {&stage.actives, &stage.spares})
    for (const auto& worker : *workers) it.name("a worker's id", worker.value);
  for (const auto& one : stage.partitions) {
    it.name("an owner's id", one.owner.value);
    it.name("an owner's id", one.previous.value);
    it.rank("an epoch", one.epoch.value, kMostAtBegin);
    it.time("the deadline", one.deadline);
  }
  for (const auto& strike : stage.strikes) {
    check(it, strike);
    it.text("a cause", strike.cause, kMostText);
  }
}

void check(Check& it, const Snapshot::Job& job) {
  check(it, job.spec);
  it.rank("the run", job.spec.run.value, kMostAtBegin);
  it.text("the topology", job.topology, kMostTopology);
  it.text("a reason", job.reason, kMostText);
  it.rank("the order of a job", job.order, kMostAtBegin);
  it.time("'submitted_at'", job.submitted_at);
  it.time("'phase_at'", job.phase_at);
  check(it, job.ends);
  it.number("frames in", job.totals.in, 0, kMostTotal);
  it.number("frames out", job.totals.out, 0, kMostTotal);
  it.count("runs that follow", job.next.size(), 1);
  for (const auto& stage : job.stages) check(it, stage);
  for (const auto& next : job.next) check(it, next);
  for (const auto& source : job.sources) {
    it.name("the source's name", source.name);
    it.name("a producer's id", source.producer.value);
    it.name("a producer's id", source.previous.value);
    it.rank("a session", source.session.value, kMostAtBegin);
    it.rank("an epoch", source.epoch.value, kMostAtBegin);
    for (const auto& strike : source.strikes) {
      check(it, strike);
      it.text("a cause", strike.cause, kMostText);
    }
  }
}

}  // namespace

void cut(std::string& text) {
  if (text.size() <= kMostText) return;
  auto end = kMostText - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // no character is cut in two
  text.resize(end);
  text += "...";
}

std::optional<std::string> find_fault(const JobSpec& spec) {
  Check all;
  check(all, spec);
  return all.fault();
}

void drop_impossible_frames(ChildExit& exit) {
  // As its readers see it: bytes that are no text are replaced by others when it is written.
  std::erase_if(exit.frames, [&](const auto& frame) {
    ChildExit one = exit;
    one.frames = {frame};
    return !decode_report(encode(Report{"log", std::move(one)})).ok();
  });
}

std::optional<std::string> find_fault(const Decision& decision) {
  Check all;
  if (decision.log.empty()) all.say("it names no log");
  all.name("the log's id", decision.log);
  all.rank("the claim's epoch", decision.epoch);
  all.name("the leader's id", decision.leader);
  std::visit([&all](const auto& body) { check(all, body); }, decision.body);
  return all.fault();
}

std::optional<std::string> find_fault(const Report& report) {
  Check all;
  all.name("the log's id", report.log);
  std::visit([&all](const auto& body) { check(all, body); }, report.body);
  return all.fault();
}

std::optional<std::string> find_fault(const Snapshot& snapshot) {
  Check all;
  check(all, snapshot.claim);
  all.rank("jobs so far", snapshot.accepted, kMostAtBegin);
  for (const auto& job : snapshot.jobs) check(all, job);
  all.count("names of jobs", snapshot.runs.size(), kMostJobNames);
  for (const auto& [job, run] : snapshot.runs) {
    all.name("the job's name", job);
    all.rank("a run", run, kMostAtBegin);
  }
  for (const auto& [job, sources] : snapshot.sessions)
    for (const auto& [source, session] : sources) all.rank("a session", session, kMostAtBegin);
  for (const auto& worker : snapshot.out) all.name("a worker's id", worker.value);
  return all.fault();
}

void cut_texts(Decision& decision) {
  std::visit(
      [](auto& body) {
        if constexpr (requires { body.reason; }) cut(body.reason);
        if constexpr (requires { body.cause; }) cut(body.cause);
        if constexpr (requires { body.frame; }) cut(body.frame);
      },
      decision.body);
}

void cut_texts(Report& report) {
  std::visit(
      [](auto& body) {
        if constexpr (requires { body.reason; }) cut(body.reason);
        if constexpr (requires { body.text; }) cut(body.text);
        if constexpr (requires { body.sources; })
          for (auto& source : body.sources) cut(source.error);
        if constexpr (requires { body.frames.front().frame; })
          for (auto& frame : body.frames) cut(frame.frame);
      },
      report.body);
}

}  // namespace ride::stream
