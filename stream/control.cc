#include "stream/control.h"

#include <array>

#include "common/cause.h"
#include "stream/core/control_json.h"
#include "stream/core/control_limits.h"

namespace ride::stream {

namespace {

constexpr std::array<const char*, 7> kPhases = {"creating",  "running",   "paused", "draining",
                                                "completed", "cancelled", "failed"};
constexpr std::array<const char*, 3> kKinds = {"worker", "producer", "agent"};
constexpr std::array<const char*, 4> kCauses = {"itself", "hang", "memory", "outside"};
constexpr std::array<const char*, 3> kSeverities = {"info", "warning", "error"};

template <class Enum, std::size_t N>
Enum by_name(const nlohmann::json& json, const std::array<const char*, N>& names) {
  const auto text = json.get<std::string>();
  for (std::size_t i = 0; i < N; ++i)
    if (text == names[i]) return static_cast<Enum>(i);
  throw nlohmann::json::other_error::create(501, "unknown name '" + text + "'", nullptr);
}

}  // namespace

const char* to_string(JobPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }
const char* to_string(ProcessKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
const char* to_string(ExitCause cause) { return kCauses[static_cast<std::size_t>(cause)]; }
const char* to_string(Severity severity) { return kSeverities[static_cast<std::size_t>(severity)]; }

Result<JobPhase> parse_job_phase(const std::string& text) {
  for (std::size_t i = 0; i < kPhases.size(); ++i)
    if (text == kPhases[i]) return static_cast<JobPhase>(i);
  return Error{ErrorCode::invalid_argument, "unknown phase '" + text + "'"};
}

static void to_json(nlohmann::json& json, ProcessKind kind) { json = to_string(kind); }
static void from_json(const nlohmann::json& json, ProcessKind& kind) { kind = by_name<ProcessKind>(json, kKinds); }
static void to_json(nlohmann::json& json, ExitCause cause) { json = to_string(cause); }
static void from_json(const nlohmann::json& json, ExitCause& cause) { cause = by_name<ExitCause>(json, kCauses); }
static void to_json(nlohmann::json& json, Severity severity) { json = to_string(severity); }
static void from_json(const nlohmann::json& json, Severity& value) { value = by_name<Severity>(json, kSeverities); }

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobAccepted, spec, topology, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobPhaseChanged, job, run, phase, reason, at, ends, totals)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Assign, job, run, stage, worker, epoch, partitions, reason, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Releasing, job, run, stage, worker, partitions, deadline, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SourceBefore, session, frames, told, captured, unwritten, dropped,
                                                rejected, gaps, longest_gap_ms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AssignSource, job, run, source, producer, session, epoch, reason, at,
                                                before)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JoinGroup, worker, job, run, stage, spare, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(WorkerOut, worker, reason, silent, at, refused)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SnapshotPart, id, part, parts, text)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Tick, epoch, leader, number)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(OutcomeCounters, acked, filtered, dropped, dead, expired, duplicates)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PartitionProgress, job, run, stage, partition, epoch, position,
                                                committed, end, ended, oldest_unacked_age_ms, counters)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SourceProgress, job, run, source, session, connected, ended, frames,
                                                earlier, captured, unwritten, total, dropped, rejected, fps, last_frame,
                                                gaps, longest_gap_ms, error)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Heartbeat, id, kind, node, pid, version, at, http, devices, cores,
                                                memory_bytes, labels, cpu_percent, rss_bytes, busy_fraction,
                                                frames_per_second, service_rate, frames, busy_seconds, partitions,
                                                sources, warm, group, children, host, started)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Scale, job, run, stage, workers, held, reason, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobChanged, spec, topology, reason, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NamedFrame, job, run, stage, partition, offset, frame)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ChildExit, node, agent, child, pid, exit_code, signal, ordered, orderly,
                                                cause, frames, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Goodbye, id, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Released, job, run, stage, worker, partitions)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Notice, from, node, severity, code, text, job, stage, fatal_for_job, at)

namespace {

// The "type" of each record; the order is that of the variants.
constexpr std::array<const char*, std::variant_size_v<DecisionBody>> kDecisionTypes = {
    "claim", "job",      "phase",  "assign", "releasing",   "source",    "group",
    "out",   "snapshot", "strike", "scale",  "job_changed", "job_queued"};
constexpr std::array<const char*, std::variant_size_v<ReportBody>> kReportTypes = {"tick",    "heartbeat", "child_exit",
                                                                                   "goodbye", "released",  "notice"};

static_assert(kDecisionTypes.back() != nullptr && kReportTypes.back() != nullptr, "a new record needs its type's name");

template <class Body, std::size_t N>
nlohmann::json encode_body(const Body& body, const std::array<const char*, N>& types) {
  nlohmann::json json = std::visit([](const auto& one) { return nlohmann::json(one); }, body);
  json["type"] = types[body.index()];
  return json;
}

template <class Body, std::size_t N, std::size_t... I>
Body decode_body(const nlohmann::json& json, const std::array<const char*, N>& types, std::index_sequence<I...>) {
  const auto type = json.at("type").get<std::string>();
  std::optional<Body> body;
  ((type == types[I] ? (void)body.emplace(json.get<std::variant_alternative_t<I, Body>>()) : void()), ...);
  if (!body) throw nlohmann::json::other_error::create(501, "unknown type '" + type + "'", nullptr);
  return *std::move(body);
}

template <class Body, std::size_t N>
Body decode_body(const nlohmann::json& json, const std::array<const char*, N>& types) {
  return decode_body<Body>(json, types, std::make_index_sequence<N>());
}

}  // namespace

const char* type_of(const DecisionBody& decision) { return kDecisionTypes[decision.index()]; }
const char* type_of(const ReportBody& report) { return kReportTypes[report.index()]; }

std::string encode(const Decision& decision) {
  auto json = encode_body(decision.body, kDecisionTypes);
  json["log"] = decision.log;
  json["claim_epoch"] = decision.epoch;
  json["leader"] = decision.leader;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

namespace {

// The record may come from anybody: nothing is built from it before its size and depth are known, and no number is
// converted that does not fit.
template <class Record, class Read>
Result<Record> decode(std::string_view text, const char* what, std::size_t most_bytes, Read read) {
  const auto refuse = [what](std::string why) {
    cut(why);
    return Error{ErrorCode::corrupt, std::string("not a ") + what + ": " + why};
  };
  if (text.size() > most_bytes) return refuse(std::to_string(text.size()) + " bytes");
  if (is_too_deep(text)) return refuse("it is nested too deep");
  try {
    const auto json = nlohmann::json::parse(text);
    if (auto misfit = find_misfit(json)) return refuse(*std::move(misfit));
    Record record = read(json);
    cut_texts(record);
    if (auto fault = find_fault(record)) return refuse(*std::move(fault));
    return record;
  } catch (const nlohmann::json::exception& failure) {
    return refuse(cause_of(failure));
  }
}

}  // namespace

Result<Decision> decode_decision(std::string_view text) {
  return decode<Decision>(text, "decision", kMostDecisionBytes, [](const nlohmann::json& json) {
    return Decision{.log = json.value("log", ""),
                    .epoch = json.value("claim_epoch", std::int64_t{0}),
                    .leader = json.value("leader", ""),
                    .body = decode_body<DecisionBody>(json, kDecisionTypes)};
  });
}

std::string encode(const Report& report) {
  auto json = encode_body(report.body, kReportTypes);
  json["log"] = report.log;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Report> decode_report(std::string_view text) {
  return decode<Report>(text, "report", kMostReportBytes, [](const nlohmann::json& json) {
    return Report{.log = json.value("log", ""), .body = decode_body<ReportBody>(json, kReportTypes)};
  });
}

}  // namespace ride::stream
