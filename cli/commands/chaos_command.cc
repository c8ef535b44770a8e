// ride chaos: a topology under a plan of faults, on a cluster of its own on this machine.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <random>

#include "chaos/experiment.h"
#include "chaos/figure.h"
#include "chaos/plan_file.h"
#include "cli/command.h"
#include "cli/core/fields.h"
#include "cli/interrupt.h"
#include "cli/master_client.h"
#include "cli/submit.h"
#include "cli/terminal.h"
#include "cli/topology_file.h"
#include "common/file_text.h"
#include "common/json.h"
#include "common/wording.h"
#include "plugin/plugin_flag.h"
#include "process/proc.h"
#include "process/temp_folder.h"
#include "topology/output_check.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

namespace fs = std::filesystem;

struct ChaosFlags {
  std::string topology, plan, out;
  std::uint64_t seed = 0;
  std::vector<std::string> plugins;
  bool json = false, keep = false;
};

Result<JobName> hand_in(const std::string& url, const TopologyFile& file) {
  RIDE_ASSIGN(auto master, MasterClient::open(url));
  RIDE_ASSIGN(auto submitted, submit(master, file.text, file.path));
  return JobName{submitted.job};
}

Result<void> drain(const std::string& url, const JobName& job) {
  RIDE_ASSIGN(auto master, MasterClient::open(url));
  RIDE_ASSIGN(auto reply, master.post("/jobs/" + url_encoded(job.value) + "/drain"));
  if (!reply.ok()) return error_of(reply);
  return {};
}

std::optional<chaos::Plan> checked_plan(const std::string& path) {
  const auto text = read_named_file(path);
  if (!text.ok()) {
    fail(text.error());
    return std::nullopt;
  }
  auto outcome = chaos::read_plan(path, *text);
  if (!outcome.plan) print_error(topology::render(outcome.diagnostics, *text));
  return outcome.plan;
}

ExitCode report_result(const ChaosFlags& flags, const chaos::ExperimentResult& result, const std::string& job) {
  if (!flags.out.empty()) {
    const auto title =
        fmt::format("{}: {}, {} sent, {} lost, {} counted twice", job, counted(result.report.faults.size(), "fault"),
                    counted(result.report.sent, "frame"), result.report.lost, result.report.twice);
    if (auto drawn = chaos::write_figure(result.timeline, title, flags.out, "chaos"); !drawn.ok())
      return fail(drawn.error());
    print_error(fmt::format("wrote {0}/chaos.png and {0}/chaos.csv", flags.out));
  }
  if (flags.json) {
    auto json = chaos::to_json(result.report);
    json["completed"] = result.completed;
    json["clean"] = result.clean();
    json["ledger"] = ledger::to_json(result.statement);
    json["files"] = ledger::to_json(result.files);
    print(json_line(json));
  } else {
    print(printable_lines(chaos::to_text(result.report) + "\n" + ledger::to_text(result.statement) +
                          ledger::to_text(result.files)));
    if (!result.completed) print("the job did not complete after the drain\n");
  }
  return result.clean() ? ExitCode::ok : ExitCode::failed;
}

ExitCode run(const ChaosFlags& flags) {
  const auto plan = checked_plan(flags.plan);
  if (!plan) return ExitCode::usage;
  const auto checked = checked_topology(flags.topology, flags.plugins);
  if (!checked.file) return checked.failure;
  if (!checked.file->named.empty())
    return fail({ErrorCode::unsupported,
                 fmt::format("ride chaos ships no plug-ins: take `plugins` out of {} and name them with --plugin",
                             flags.topology)});
  Interrupt interrupt;
  std::error_code gone;
  const fs::path work = fs::current_path(gone);
  if (gone) return fail({ErrorCode::not_found, "the working folder is gone: " + gone.message()});
  const auto made = process::make_temp_folder("ride-chaos");
  if (!made.ok()) return fail(made.error());
  const std::string folder = made->string();
  chaos::ExperimentOptions options;
  options.test_cluster.folder = folder;
  options.test_cluster.work = work;
  options.test_cluster.programs = process::own_folder();
  options.test_cluster.outputs = topology::sink_folders(checked.file->topology(), tasks::builtin_catalog());
  options.test_cluster.outputs.insert(options.test_cluster.outputs.begin(), ".");
  options.test_cluster.plugins = checked.file->plugins;
  options.plan = *plan;
  options.seed = flags.seed != 0 ? flags.seed : std::random_device{}();
  options.submit = [&](const std::string& url) { return hand_in(url, *checked.file); };
  options.drain = drain;
  options.say = [](const std::string& text) { print_error(text); };
  print_error(fmt::format("seed {}; `--seed {}` draws the same schedule again", options.seed, options.seed));
  const auto result = chaos::run_experiment(options, interrupt.token());
  ExitCode code = ExitCode::failed;
  if (interrupt.requested())
    code = interrupt.exit_code();
  else
    code = result.ok() ? report_result(flags, *result, checked.file->topology().name()) : fail(result.error());
  if (flags.keep || (code == ExitCode::failed && !interrupt.requested())) {
    print_error("logs and the brokers' data are kept in " + folder);
  } else {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  return code;
}

}  // namespace

void add_chaos_command(Program& program) {
  auto flags = std::make_shared<ChaosFlags>();
  auto& command = program.add(
      "On this machine", "chaos",
      "Run a topology while workers, nodes, masters and brokers are killed, stopped, cut off, slowed down",
      "  ride chaos street.yaml --plan faults.yaml              another schedule each time; its seed is printed\n"
      "  ride chaos street.yaml --plan faults.yaml --seed 7     the same one again\n"
      "  ride chaos street.yaml --plan faults.yaml --out report --json > report.json\n\n"
      "Brokers, masters, nodes and workers are its own, as many as the plan says. A plan (docs/chaos.md):\n"
      "  ride_chaos: v1\n"
      "  brokers: 3\n"
      "  nodes: 3\n"
      "  slots: 2\n"
      "  faults: [{ at: 5s, kill: worker }, { at: 15s, stop: node2, for: 3s }]\n"
      "It ends with a report. For each fault: the time to detection, the gap, the time to full rate, and the\n"
      "frames that were written again, lost or counted twice.\n"
      "Exit code 1 when a frame was lost or counted twice. Cutting off (cut) needs root.",
      [flags] { return run(*flags); });
  command.add_option("FILE", flags->topology, "Topology file (YAML)")->required();
  command.add_option("--plan", flags->plan, "Plan of faults (YAML)")->required();
  command.add_option("--seed", flags->seed, "Of what is random in the plan (default: another each time)");
  command.add_option("--out", flags->out,
                     "Folder for chaos.png and chaos.csv: frames over time, with the faults marked");
  plugin::declare_plugin_flag(command, flags->plugins, "that its masters and workers load");
  command.add_flag("--keep", flags->keep, "Do not remove the temporary folder with the logs");
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
