// ride submit, pause, resume, drain, cancel: what a person orders a master to do.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <variant>

#include "cli/command.h"
#include "cli/core/change_view.h"
#include "cli/core/fields.h"
#include "cli/core/run_summary.h"
#include "cli/core/wait_words.h"
#include "cli/find_master.h"
#include "cli/interrupt.h"
#include "cli/local/local_inputs.h"
#include "cli/local/run_folder.h"
#include "cli/local/topology_facts.h"
#include "cli/python_scripts.h"
#include "cli/shipping.h"
#include "cli/submit.h"
#include "cli/terminal.h"
#include "cli/topology_file.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "process/proc.h"
#include "stream/kafka/client_flags.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

constexpr std::chrono::milliseconds kJobLook{300};
constexpr std::chrono::seconds kCountPatience{2}, kReportEvery{5};

struct JobFlags {
  std::string job, file;
  std::vector<std::string> plugins;
  bool json = false, wait = false, delete_topics = false, replace = false, dry_run = false;
  SettingFlags settings;
};

// Until the last counts have come, for a moment.
Json with_last_counts(MasterClient& master, const std::string& path, Json job, Interrupt& interrupt) {
  const auto deadline = std::chrono::steady_clock::now() + kCountPatience;
  while (text_of(job, "phase") == "completed" && !all_have_ended(job) && std::chrono::steady_clock::now() < deadline &&
         !interrupt.wait(kJobLook)) {
    if (auto later = master.fetch(path); later.ok()) job = std::move(*later);
  }
  return job;
}

// The end of a job that is waited for.
struct AwaitedEnd {
  std::string job, verb;
  std::int64_t run = 0;  // this one, or a later one
  bool json = false;
  std::optional<RunFacts> facts = {};  // what its topology allows to be lost; nothing: its text at the master says it
  TaskCatalog catalog = tasks::builtin_catalog();  // ... whose stages may name these tasks
};

RunFacts run_facts_in(const topology::Topology& topology) {
  return {.may_drop = may_drop(topology), .upstreams = upstreams_of(topology)};
}

RunFacts run_facts_of(const Json& job, const AwaitedEnd& awaited) {
  if (awaited.facts) return *awaited.facts;
  const auto parsed = topology::parse_topology(job.value("topology", std::string()), "topology", awaited.catalog,
                                               process_environment());
  if (parsed.topology) return run_facts_in(*parsed.topology);
  print_error(
      "what the topology allows to be dropped is not known here, so every dropped frame counts as lost (a variable "
      "that it names may be set where the master runs, but not here; or name the plug-ins of its tasks with --plugin)");
  return {};
}

// Reported with the rule of `ride run`: all went well, or what is missing. A cancel is complete when the job has ended.
ExitCode report_end(Json job, const AwaitedEnd& awaited) {
  const std::string phase = text_of(job, "phase"), reason = text_of(job, "reason");
  RunVerdict verdict{.good = phase != "failed", .reasons = {}};
  if (awaited.verb != "cancel") verdict = judge(job, run_facts_of(job, awaited), false);
  if (awaited.json) {
    job["good"] = verdict.good;
    job["reasons"] = verdict.reasons;
    print(job.dump(2) + "\n");
  } else {
    print(fmt::format("{}: {}{}\n", text_of(job, "job"), phase,
                      reason.empty() || !verdict.good ? "" : " (" + reason + ")") +
          render_reasons(verdict, stdout_terminal().style));
  }
  return verdict.good ? ExitCode::ok : ExitCode::failed;
}

// Who waits with a job that waits sees what for, again and again: it may still come.
class WaitReporter {
 public:
  explicit WaitReporter(std::string job) : job_(std::move(job)) {}
  void see(const Json& job) {
    const auto now = Clock::now();
    waits_.see(job, now - begun_);
    const std::string text = waits_.text();
    if (text.empty() || now < next_) return;
    next_ = now + kReportEvery;
    print_error(fmt::format("{} {}. It goes on when one joins; Ctrl-C ends the waiting, not the job", job_, text));
  }

 private:
  using Clock = std::chrono::steady_clock;
  const std::string job_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point next_{};
  WaitWords waits_;
};

ExitCode wait_for_end(MasterClient& master, const AwaitedEnd& awaited) {
  Interrupt interrupt;
  const std::string path = "/jobs/" + url_encoded(awaited.job);
  WaitReporter reporter(awaited.job);
  for (;;) {
    auto now = master.fetch(path);
    if (!now.ok()) return fail(now.error());
    reporter.see(*now);
    const std::string phase = text_of(*now, "phase");
    if (phase_is_over(phase) && count_of(*now, "run") < awaited.run && phase == "completed") {
      // The run that is to follow begins a moment later.
    } else if (phase_is_over(phase)) {
      return report_end(with_last_counts(master, path, std::move(*now), interrupt), awaited);
    }
    if (interrupt.wait(kJobLook)) {
      print_error(fmt::format("no longer waiting; the job goes on ({})", phase));
      return interrupt.exit_code();
    }
  }
}

// It is accepted, and somebody has to come before it moves.
std::string waits_text(const Json& answer) {
  const std::string lacks = render_lacks(answer);
  return lacks.empty() ? "" : "it waits until somebody joins who can do this:\n" + lacks;
}

std::string submitted_text(const Submitted& submitted) {
  const std::string kind = text_of(submitted.answer, "change", "new");
  if (kind == "new")
    return fmt::format("job '{}' is accepted as run {}\n{}  ride status {}    shows how it is doing\n", submitted.job,
                       submitted.run, waits_text(submitted.answer), submitted.job);
  Json change = submitted.answer;
  if (kind == "replace") {
    change["next_run"] = submitted.run;
    change["run"] = count_of(change, "replaces");
  }
  return fmt::format("job '{}'\n{}{}", submitted.job, render_change(change), waits_text(submitted.answer));
}

// Of a job that runs, what would change; else that it would begin. Nothing is done.
ExitCode show_plan(const JobFlags& flags, MasterClient& master, const std::string& text, const ShippedFiles& files) {
  const auto plan = dry_run(master, text, flags.file, files);
  if (!plan.ok()) return fail(plan.error());
  if (flags.json) {
    print(plan->dump(2) + "\n");
    return ExitCode::ok;
  }
  const auto change = plan->find("change");
  const std::string job = text_of(*plan, "job");
  if (change == plan->end() || !change->is_object()) {
    print(
        fmt::format("job '{}' is not running: it would begin as run {}\n  ride plan {}    shows its topics, stages and "
                    "groups\n{}",
                    job, count_of(*plan, "run"), flags.file, waits_text(*plan)));
    return ExitCode::ok;
  }
  print(fmt::format("job '{}' is run {} ({})\n{}", job, count_of(*change, "run"), text_of(*change, "phase"),
                    render_change(*change) + waits_text(*plan)));
  if (text_of(*change, "change") == "replace") print("'ride submit --replace' does it\n");
  return ExitCode::ok;
}

// Whether every producer that is there runs on this machine.
bool producers_are_here(MasterClient& master) {
  const auto workers = master.fetch("/workers");
  if (!workers.ok()) return false;
  bool any = false;
  for (const Json& worker : list_of(*workers, "workers")) {
    if (text_of(worker, "kind") != "producer" || text_of(worker, "state", "live") != "live") continue;
    if (text_of(worker, "node") != process::host_name()) return false;
    any = true;
  }
  return any;
}

// Its run goes on: what it has read may have been moved away since.
bool is_alive(MasterClient& master, const std::string& job) {
  const auto answer = master.get("/jobs/" + url_encoded(job));
  return answer.ok() && answer->ok() && !phase_is_over(text_of(*answer->body, "phase"));
}

// A source that is not there is reported before the job is accepted, where it can be known: no producer would find it
// either. A relative path begins in the producers' working folder: that of the `ride up` of this folder is ours.
bool sources_are_there(const Settings& settings, MasterClient& master, const TopologyFile& file) {
  if (!file.valid() || !producers_are_here(master)) return true;  // the master reports what is wrong with it
  if (is_alive(master, file.topology().name())) return true;
  const bool up_of_this_folder =
      settings.is_default("master") && settings.is_default("state") && running_in(settings.text("state"));
  const auto missing = missing_sources(file, up_of_this_folder);
  if (!missing.empty()) std::fputs(topology::render(missing, file.text).c_str(), stderr);
  return !topology::has_errors(missing);
}

// The files that the topology names, shipped unless nothing is to be done.
std::variant<ShippedFiles, ExitCode> ship_files(const JobFlags& flags, const Settings& settings, MasterClient& master,
                                                const TopologyFile& file) {
  if (!file.valid()) return ShippedFiles();            // the master reports what is wrong with it
  const stream::Stopped never = [] { return false; };  // Ctrl-C ends the process
  auto named = named_files(file, never);
  if (!named.ok()) return fail(named.error());
  auto wrong = script_problems(file);
  wrong.insert(wrong.end(), named->missing.begin(), named->missing.end());
  topology::sort_diagnostics(wrong);
  if (!wrong.empty()) std::fputs(topology::render(wrong, file.text).c_str(), stderr);
  if (topology::has_errors(wrong)) return ExitCode::usage;
  if (named->files.empty()) {
    auto none = none_named(master, file);
    if (!none.ok()) return fail(none.error());
    return std::move(*none);
  }
  if (flags.dry_run) return ShippedFiles(shipped(named->files));
  const auto place = artifact_place(master, settings, named_brokers(settings));
  if (!place.ok()) return fail(place.error());
  const auto done = ship(
      *place, file.topology().name(), named->files, [](const std::string& line) { print_error(line); }, never);
  if (!done.ok()) return fail(done.error());
  return ShippedFiles(shipped(named->files));
}

ExitCode submit_file(const JobFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto loaded = load_topology(flags.file, flags.plugins);
  if (!loaded.ok()) return fail(loaded.error());
  if (loaded->lacks_plugin) return report_diagnostics(*loaded, false);
  const auto& text = loaded->text;
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  if (!sources_are_there(*settings, *master, *loaded)) return ExitCode::usage;
  const auto files = ship_files(flags, *settings, *master, *loaded);
  if (const auto* failed = std::get_if<ExitCode>(&files)) return *failed;
  const auto& brought = std::get<ShippedFiles>(files);
  if (flags.dry_run) return show_plan(flags, *master, text, brought);
  const auto submitted = submit(*master, text, flags.file, brought, flags.replace);
  if (!submitted.ok()) return fail(submitted.error());
  if (!loaded->valid())
    print_error(
        "what is wrong with the topology here is not wrong for the master (a variable that is set there, or "
        "a plug-in that --plugin does not name here?): the files that it names were not shipped, each node must have "
        "them");
  if (flags.wait) {
    if (!flags.json) print(submitted_text(*submitted));
    AwaitedEnd awaited{.job = submitted->job, .verb = "submit", .run = submitted->run, .json = flags.json};
    if (loaded->valid()) awaited.facts = run_facts_in(loaded->topology());
    return wait_for_end(*master, awaited);
  }
  print(flags.json ? submitted->answer.dump() + "\n" : submitted_text(*submitted));
  return ExitCode::ok;
}

ExitCode change(const JobFlags& flags, const std::string& verb) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto catalog = plugin::catalog_with(tasks::builtin_catalog(), flags.plugins);
  if (!catalog.ok()) return fail(catalog.error());
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  const std::string path = "/jobs/" + url_encoded(flags.job);
  auto reply = verb == "cancel" ? master->remove(path + (flags.delete_topics ? "?delete_topics=true" : ""))
                                : master->post(path + "/" + verb);
  if (!reply.ok()) return fail(reply.error());
  if (reply->status == 404) return fail(no_such_job(*master, flags.job));
  if (!reply->ok()) return fail(error_of(*reply));
  if (flags.wait)
    return wait_for_end(*master, {.job = flags.job, .verb = verb, .json = flags.json, .catalog = *catalog});
  if (flags.json) {
    print(reply->body->dump() + "\n");
  } else {
    print(fmt::format("{}: {}\n", flags.job, text_of(*reply->body, "phase")));
  }
  return ExitCode::ok;
}

std::shared_ptr<JobFlags> add_change(Program& program, const char* verb, const char* summary, const char* examples) {
  auto flags = std::make_shared<JobFlags>();
  auto& command = program.add(kJobsGroup, verb, summary, examples, [flags, verb] { return change(*flags, verb); });
  command.add_option("JOB", flags->job, "Its name, as 'ride list' shows it")->required();
  flags->settings.declare(command, {"master", "token-file", "state"});
  add_json_flag(command, flags->json);
  if (std::string(verb) == "drain" || std::string(verb) == "cancel")
    command.add_flag("--wait", flags->wait,
                     std::string(verb) == "cancel" ? "Return when the job has ended"
                                                   : "Return when the job has ended; exit code 1 if a frame was lost");
  if (std::string(verb) == "drain")
    plugin::declare_plugin_flag(command, flags->plugins, "whose tasks its stages name (for --wait)");
  if (std::string(verb) == "cancel")
    command.add_flag("--delete-topics", flags->delete_topics, "Also delete the job's topics, with all that is in them");
  return flags;
}

}  // namespace

void add_job_commands(Program& program) {
  auto flags = std::make_shared<JobFlags>();
  auto& command = program.add(
      kJobsGroup, "submit", "Hand a topology to a running master",
      "  ride submit street.yaml                                   to the master on this machine\n"
      "  ride submit street.yaml --master http://host:7800\n"
      "  ride submit pictures.yaml --wait && echo all pictures are done\n"
      "\nIf the job is running, only what differs is changed:\n"
      "  ride submit street.yaml --dry-run    what differs, and what would happen; nothing is done\n"
      "  ride submit street.yaml              sizes of groups, scaling and priority: immediately, nothing stops\n"
      "  ride submit street.yaml --replace    everything else: the run is drained, then a new one begins",
      [flags] { return submit_file(*flags); });
  command.add_option("FILE", flags->file, "Topology file (YAML); - is standard input")->required();
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks stages may name (the master's --plugin decides)");
  flags->settings.declare(command, {"master", "token-file", "state", "brokers", "kafka-config", "max-message-bytes"});
  command.add_flag("--wait", flags->wait,
                   "Return when the job has ended; exit code 1 if it failed, was cancelled, or lost a frame");
  auto* dry_run = command.add_flag("--dry-run", flags->dry_run, "Only show what would be done");
  command
      .add_flag("--replace", flags->replace,
                "If what differs cannot be changed while the job runs, drain the present run and begin a new one")
      ->excludes(dry_run);
  add_json_flag(command, flags->json);

  add_change(program, "pause", "Stop a job's sources and workers; frames that wait in its topics stay there",
             "  ride pause street      and 'ride resume street' continues where it stopped");
  add_change(program, "resume", "Resume a paused job", "  ride resume street");
  add_change(program, "drain", "End a job in order: its sources stop, and frames on their way are finished",
             "  ride drain street --wait    returns when the last frame is through");
  add_change(program, "cancel", "End a job now; its topics stay, unless --delete-topics is given",
             "  ride cancel street\n  ride cancel street --delete-topics    frames on their way are lost");
}

}  // namespace ride::cli
