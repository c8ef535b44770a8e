// ride list, status, top: what a master knows.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/fields.h"
#include "cli/core/status_view.h"
#include "cli/find_master.h"
#include "cli/interrupt.h"
#include "cli/live_screen.h"
#include "cli/terminal.h"

namespace ride::cli {
namespace {

struct StatusFlags {
  std::string job;
  bool json = false, all = false;
  double interval_seconds = 1;
  int rounds = 0;
  SettingFlags settings;
};

struct Everything {
  Json jobs, sources, stages, workers, nodes;
  Json leader;
};

// Nothing of it is no failure: the tables are what was asked for.
Json fetch_leader(MasterClient& master) {
  auto leader = master.fetch("/leader");
  return leader.ok() ? std::move(*leader) : Json::object();
}

Result<Everything> fetch_all(MasterClient& master) {
  Everything all;
  for (auto [field, path] :
       {std::pair{&all.jobs, "/jobs"}, std::pair{&all.sources, "/sources"}, std::pair{&all.stages, "/stages"},
        std::pair{&all.workers, "/workers"}, std::pair{&all.nodes, "/nodes"}}) {
    RIDE_ASSIGN(auto part, master.fetch(path));
    *field = std::move(part);
  }
  all.leader = fetch_leader(master);
  return all;
}

const Json* find_job(const Everything& all, const std::string& name) {
  for (const Json& job : list_of(all.jobs, "jobs"))
    if (text_of(job, "job") == name) return &job;
  return nullptr;
}

std::string section(const std::string& table) { return table.empty() ? "" : "\n" + table; }

std::string overview(const Everything& all, const std::string& job, const ViewOptions& view) {
  std::string text;
  if (const Json* one = job.empty() ? nullptr : find_job(all, job)) {
    text = render_job_head(*one, view);
  } else {
    text = render_jobs(all.jobs, view);
  }
  text += section(render_sources(all.sources, job, view)) + section(render_stages(all.stages, job, view, &all.sources));
  text += section(render_workers(all.workers, job, view));
  return text + section(job.empty() ? render_nodes(all.nodes, view) : render_overloads(all.nodes, view));
}

// Only what belongs to the job, where one is named.
Json only(const Json& all, const char* name, const std::string& job) {
  if (job.empty()) return list_of(all, name);
  Json kept = Json::array();
  for (const Json& item : list_of(all, name))
    if (text_of(item, "job") == job) kept.push_back(item);
  return kept;
}

Json as_json(const Everything& all, const std::string& job) {
  return {{"leader", all.leader},
          {"jobs", only(all.jobs, "jobs", job)},
          {"sources", only(all.sources, "sources", job)},
          {"stages", only(all.stages, "stages", job)},
          {"workers", only(all.workers, "workers", job)},
          {"nodes", list_of(all.nodes, "nodes")}};
}

ViewOptions view_of(const Terminal& terminal, bool all = false) {
  return {terminal.style, terminal.width, system_now(), all};
}

ExitCode list(const StatusFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  const auto jobs = master->fetch("/jobs");
  if (!jobs.ok()) return fail(jobs.error());
  if (flags.json) {
    print(list_of(*jobs, "jobs").dump(2) + "\n");
    return ExitCode::ok;
  }
  const auto view = view_of(stdout_terminal());
  print(render_jobs(*jobs, view) + render_leader(fetch_leader(*master), master->url(), view));
  return ExitCode::ok;
}

ExitCode status(const StatusFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  const auto all = fetch_all(*master);
  if (!all.ok()) return fail(all.error());
  if (!flags.job.empty() && find_job(*all, flags.job) == nullptr) return fail(no_such_job(*master, flags.job));
  const auto view = view_of(stdout_terminal(), flags.all);
  print(flags.json ? as_json(*all, flags.job).dump(2) + "\n"
                   : overview(*all, flags.job, view) + section(render_leader(all->leader, master->url(), view)));
  return ExitCode::ok;
}

ExitCode top(const StatusFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  Interrupt interrupt;
  LiveScreen screen;
  const auto pause = std::chrono::milliseconds(static_cast<std::int64_t>(flags.interval_seconds * 1000));
  for (int round = 1;; ++round) {
    const auto all = fetch_all(*master);
    if (!all.ok()) return fail(all.error());
    if (round == 1 && !flags.job.empty() && find_job(*all, flags.job) == nullptr)
      return fail(no_such_job(*master, flags.job));
    const Terminal terminal = stdout_terminal();
    screen.show(fmt::format("{}  {}\n\n{}", master->url(), format_time(system_now()).substr(0, 19) + "Z",
                            overview(*all, flags.job, view_of(terminal))));
    if (round == flags.rounds) return ExitCode::ok;
    if (interrupt.wait(pause)) return interrupt.exit_code();
  }
}

}  // namespace

void add_status_commands(Program& program) {
  auto flags = std::make_shared<StatusFlags>();
  auto* command = &program.add(kJobsGroup, "list", "List the jobs", "  ride list\n  ride list --json | jq -r '.[].job'",
                               [flags] { return list(*flags); });
  flags->settings.declare(*command, {"master", "token-file", "state"});
  add_json_flag(*command, flags->json);

  flags = std::make_shared<StatusFlags>();
  command = &program.add(kJobsGroup, "status", "Show a job's sources, stages and workers; without a name, everything",
                         "  ride status\n  ride status street\n"
                         "  ride status street --json | jq '.stages[] | {stage, fps, lag}'",
                         [flags] { return status(*flags); });
  command->add_option("JOB", flags->job, "Only this job");
  command->add_flag("--all", flags->all,
                    "Every incarnation of a worker that has ended or was lost, not only the last ones");
  flags->settings.declare(*command, {"master", "token-file", "state"});
  add_json_flag(*command, flags->json);

  flags = std::make_shared<StatusFlags>();
  command = &program.add(kJobsGroup, "top", "Show a job's sources, stages and workers live, until Ctrl-C",
                         "  ride top street\n  ride top --interval 5\n  ride top -n 3 > three-looks.txt",
                         [flags] { return top(*flags); });
  command->add_option("JOB", flags->job, "Only this job");
  command->add_option("--interval", flags->interval_seconds, "Seconds between two updates")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("-n", flags->rounds, "Number of updates before it ends; 0: until Ctrl-C")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  flags->settings.declare(*command, {"master", "token-file", "state"});
}

}  // namespace ride::cli
