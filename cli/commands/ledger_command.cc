// ride ledger: counts every frame of a job from outside. ride trace: the way of one frame.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/fields.h"
#include "cli/core/trace_view.h"
#include "cli/find_master.h"
#include "cli/interrupt.h"
#include "cli/kafka_settings.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "ledger/follower.h"
#include "ledger/sink_files.h"
#include "stream/core/job_phase.h"

namespace ride::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kStep{200};

struct LedgerFlags {
  std::string job, wait = "0s", settle = "10s", files = ".";
  bool json = false;
  SettingFlags settings;
};

Result<std::unique_ptr<ledger::Follower>> open_follower(const SettingFlags& flags, const std::string& job) {
  RIDE_ASSIGN(const auto settings, flags.resolve());
  RIDE_ASSIGN(const auto brokers, brokers_to_ask(settings));
  RIDE_ASSIGN(auto config, kafka_config(settings, brokers));
  return ledger::Follower::open(config, settings.text("prefix"), JobName{job}, std::chrono::seconds(10));
}

Result<milliseconds> duration_of(const char* flag, const std::string& text) {
  const auto duration = parse_duration(text);
  if (!duration.ok()) return Error{ErrorCode::invalid_argument, std::string(flag) + ": " + duration.error().message};
  return *duration;
}

// Until the job is over, the time has passed or somebody is tired of it.
Result<void> read_along(ledger::Follower& follower, milliseconds time, const Interrupt& interrupt) {
  const auto until = steady_clock::now() + time;
  while (!interrupt.requested()) {
    RIDE_TRY(follower.poll(kStep));
    const auto phase = follower.phase();
    if (!phase.ok() && !phase.error().retriable) return phase.error();
    if (phase.ok() && stream::phase_is_over(*phase)) return {};
    if (time.count() > 0 && steady_clock::now() >= until) return {};
  }
  return {};
}

// When the job is over, what is open may still be on its way to us.
Result<ledger::Statement> settle(ledger::Follower& follower, milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    auto statement = follower.statement(std::max(patience, milliseconds(30000)));
    if (!statement.ok() && !statement.error().retriable) return statement;
    if (steady_clock::now() >= deadline || (statement.ok() && statement->clean())) return statement;
    RIDE_TRY(follower.poll(kStep));
  }
}

ExitCode count(const LedgerFlags& flags) {
  const auto wait = duration_of("--for", flags.wait), patience = duration_of("--settle", flags.settle);
  if (!wait.ok()) return fail(wait.error());
  if (!patience.ok()) return fail(patience.error());
  Interrupt interrupt;
  auto follower = open_follower(flags.settings, flags.job);
  if (!follower.ok()) return fail(follower.error());
  if (auto read = read_along(**follower, *wait, interrupt); !read.ok()) return fail(read.error());
  const auto phase = (*follower)->phase();
  const bool over = phase.ok() && stream::phase_is_over(*phase);
  const auto statement = settle(**follower, over ? *patience : milliseconds(0));
  if (!statement.ok()) return fail(statement.error());
  const auto files =
      ledger::count_sink_files((*follower)->spec(), (*follower)->audit(), flags.files, (*follower)->counted());
  const bool clean = statement->twice() == 0 && (!over || (statement->clean() && ledger::missing(files) == 0));
  if (flags.json) {
    auto json = ledger::to_json(*statement);
    json["files"] = ledger::to_json(files);
    json["phase"] = phase.ok() ? stream::to_string(*phase) : "unknown";
    json["at_rest"] = over;
    json["clean"] = clean;
    print(json_line(json));
  } else {
    print(printable_lines(ledger::to_text(*statement, over) + ledger::to_text(files, over)));
    print(!over   ? "the job runs: what is open may be on its way; drain it for a verdict\n"
          : clean ? "clean: every frame counted once\n"
                  : "NOT clean: what is open is lost, what came twice is counted twice\n");
  }
  return clean ? ExitCode::ok : ExitCode::failed;
}

struct TraceFlags {
  std::string frame, job;
  bool json = false;
  SettingFlags settings;
};

TraceStep step_of(const ledger::Sighting& seen) {
  const auto& entry = *seen.result.entry;
  return {.topic = seen.at.topic,
          .partition = seen.at.partition,
          .offset = seen.offset,
          .written = seen.written,
          .captured = entry.captured_at,
          .frame = fmt::format("{}/{}/{}", entry.session_key.source, entry.session_key.session, entry.number),
          .upstream = entry.from.upstream,
          .writer = entry.writer,
          .part = entry.part,
          .parts = entry.parts,
          .outcome = entry.outcome,
          .reason = entry.reason,
          .repeated = seen.result.verdict == ledger::Verdict::repeated,
          .hidden = seen.result.verdict == ledger::Verdict::hidden,
          .reader = {}};
}

// Which stage reads each topic, in flow order, and how far it has committed.
void add_readers(const stream::JobSpec& spec, const ledger::Commits& commits, Trace& trace) {
  for (auto& step : trace.steps) {
    for (const auto& stage : spec.stages) {
      if (stage.topic != step.topic) continue;
      step.reader = stage.name;
      const auto found = commits.positions.find({step.topic, step.partition});
      step.acked = found != commits.positions.end() && found->second > step.offset;
    }
  }
}

ExitCode trace(const TraceFlags& flags) {
  const auto wanted = parse_trace_target(flags.frame);
  if (!wanted.ok()) return fail(wanted.error());
  auto follower = open_follower(flags.settings, flags.job);
  if (!follower.ok()) return fail(follower.error());
  Trace trace{.job = flags.job, .run = (*follower)->spec().run.value, .wanted = flags.frame, .steps = {}, .unseen = 0};
  (*follower)->watch([&](const ledger::Sighting& seen) {
    if (!seen.result.entry || seen.result.entry->kind == ledger::EntryKind::end) return;
    const auto& entry = *seen.result.entry;
    if (wanted->matches(entry.session_key.source, entry.session_key.session, entry.number))
      trace.steps.push_back(step_of(seen));
  });
  if (auto read = (*follower)->catch_up(std::chrono::seconds(60)); !read.ok()) return fail(read.error());
  const auto commits = (*follower)->commits();
  if (!commits.ok()) return fail(commits.error());
  add_readers((*follower)->spec(), *commits, trace);
  const auto statement = ledger::make_statement((*follower)->spec(), (*follower)->audit(), commits->counted);
  trace.unseen = statement.unseen();
  if (trace.steps.empty()) return fail(not_traced(trace));
  print(flags.json ? json_line(trace_to_json(trace)) : render_trace(trace, stdout_terminal().style));
  return ExitCode::ok;
}

}  // namespace

void add_ledger_commands(Program& program) {
  auto flags = std::make_shared<LedgerFlags>();
  auto& command =
      program.add("Jobs", "ledger", "Count every frame of a job from outside: sent, ACKed, dropped, lost, twice",
                  "  ride ledger street                     until the job is over, then a verdict\n"
                  "  ride ledger street --for 1m            of a running job, after a minute\n"
                  "  ride ledger blur --json --files run    exit code 1 when a frame was lost or came twice",
                  [flags] { return count(*flags); });
  command.add_option("JOB", flags->job, "Its latest run is read, from what is still in the topics on")->required();
  command.add_option("--for", flags->wait, "How long to read along; 0s: until the job is over or Ctrl-C")
      ->capture_default_str();
  command.add_option("--settle", flags->settle, "How long to wait at the end for what is still open")
      ->capture_default_str();
  command.add_option("--files", flags->files, "Folder where relative paths of the sinks' files begin")
      ->capture_default_str();
  flags->settings.declare(command, {"brokers", "prefix", "kafka-config", "max-message-bytes", "state"});
  add_json_flag(command, flags->json);

  auto traced = std::make_shared<TraceFlags>();
  auto& second = program.add("Jobs", "trace", "Trace one frame: its topics, workers, attempts and times",
                             "  ride trace gate/1042 --job street      of whichever session\n"
                             "  ride trace gate/3/1042 --job street    of session 3",
                             [traced] { return trace(*traced); });
  second.add_option("FRAME", traced->frame, "SOURCE/NUMBER or SOURCE/SESSION/NUMBER")->required();
  second.add_option("--job", traced->job, "Its latest run is looked at")->required();
  traced->settings.declare(second, {"brokers", "prefix", "kafka-config", "max-message-bytes", "state"});
  add_json_flag(second, traced->json);
}

}  // namespace ride::cli
