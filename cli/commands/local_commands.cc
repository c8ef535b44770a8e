// ride up, ride run: a whole RIDE on this machine for one topology.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/local/idle_session.h"
#include "cli/local/kept.h"
#include "cli/local/session.h"
#include "cli/terminal.h"
#include "common/plugin_permit.h"
#include "common/units.h"
#include "plugin/plugin_flag.h"
#include "process/temp_folder.h"

namespace ride::cli {
namespace {

constexpr const char* kLocalGroup = "On this machine";

struct LocalFlags {
  std::string file, duration;
  std::vector<std::string> plugins, permits;
  bool fresh = false, no_reload = false, keep = false, json = false, idle = false, resume = false, any_recipe = false;
  SettingFlags settings;
};

Result<std::optional<std::chrono::milliseconds>> duration_of(const std::string& text) {
  if (text.empty()) return std::optional<std::chrono::milliseconds>();
  const auto duration = parse_duration(text);
  if (!duration.ok()) return Error{ErrorCode::invalid_argument, "--for: " + duration.error().message};
  if (duration->count() <= 0)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("--for is '{}'; it takes a time with a unit, for example 30s or 5m", text)};
  return std::optional<std::chrono::milliseconds>(*duration);
}

ExitCode up(const LocalFlags& flags) {
  auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto duration = duration_of(flags.duration);
  if (!duration.ok()) return fail(duration.error());
  if (flags.file.empty() != flags.idle || (flags.idle && flags.fresh))
    return fail({ErrorCode::invalid_argument,
                 !flags.idle ? "FILE is missing: Topology file (YAML); 'ride up --idle' opens what an earlier run kept"
                             : "--idle starts no job and removes nothing: leave FILE and --fresh out"});
  if (const auto permit = PluginPermit::parse(flags.permits); !permit.ok()) return fail(permit.error());
  if (flags.idle) return run_idle({.settings = *settings, .duration = *duration});
  SessionOptions options{.file = flags.file,
                         .plugins = flags.plugins,
                         .permits = flags.permits,
                         .settings = *settings,
                         .state = settings->text("state"),
                         .fresh = flags.fresh,
                         .reload = !flags.no_reload,
                         .json = flags.json,
                         .duration = *duration};
  return run_session(options);
}

ExitCode run(const LocalFlags& flags) {
  auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto made = process::make_temp_folder("ride-run");
  if (!made.ok()) return fail(made.error());
  const std::string folder = made->string();
  SessionOptions options{.file = flags.file,
                         .plugins = flags.plugins,
                         .settings = *settings,
                         .state = folder,
                         .finite = true,
                         .keep = flags.keep,
                         .resume = flags.resume || flags.any_recipe,
                         .any_recipe = flags.any_recipe,
                         .json = flags.json};
  const ExitCode code = run_session(options);
  if (flags.keep) {
    const auto look = look_at_kept(folder);
    print_error("the broker's data and the logs are kept in " + folder + (look.empty() ? "" : "\n" + look));
  } else {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  return code;
}

}  // namespace

void add_local_commands(Program& program) {
  auto flags = std::make_shared<LocalFlags>();
  auto* command = &program.add(
      kLocalGroup, "up", "Start a broker, a master, workers and producers for a topology, and watch them",
      "  ride up street.yaml                    until Ctrl-C; the next one continues where it stopped\n"
      "  ride up street.yaml --fresh            start from scratch\n"
      "  ride up street.yaml --for 60s          end by itself, with all frames finished; exit code 1 if one was lost\n"
      "  ride up street.yaml --brokers kafka1:9092,kafka2:9092    with a cluster of yours\n"
      "  ride up --idle                         broker and master on what earlier runs kept, and no job: to ask after "
      "one\n\n"
      "State (the broker's data, logs, ports) is kept in .ride; meanwhile, in another terminal:\n"
      "  ride status      ride tap street/people --show      ride logs -f",
      [flags] { return up(*flags); });
  command->add_option("FILE", flags->file, "Topology file (YAML)");
  command->add_flag("--idle", flags->idle, "Start no job: open what earlier runs kept, to look at it");
  command->add_flag("--fresh", flags->fresh, "Remove what earlier runs left in the state folder first");
  command->add_flag("--no-reload", flags->no_reload,
                    "Go on with the Python files and plug-ins that it began with, also when they are saved");
  command->add_option("--for", flags->duration, "End by itself after this time (30s, 5m), with all frames finished");
  plugin::declare_plugin_flag(*command, flags->plugins, "that the master and the workers load");
  plugin::declare_permit_flag(*command, flags->permits);
  flags->settings.declare(*command, {"slots", "brokers", "broker-port", "http", "token-file", "state", "prefix",
                                     "kafka-config", "max-message-bytes", "loss-ticks", "tick-interval"});
  add_json_flag(*command, flags->json);

  flags = std::make_shared<LocalFlags>();
  command =
      &program.add(kLocalGroup, "run",
                   "Process an input that ends (a folder of pictures, a video) in a temporary place, and exit with it",
                   "  ride run pictures.yaml && ls out       exit code 0: every frame went through\n"
                   "  ride run pictures.yaml --resume        pictures whose files are written already are left out\n"
                   "  ride run pictures.yaml --slots 8\n"
                   "  ride run pictures.yaml --json > summary.json\n"
                   "  ride run pictures.yaml --keep          keeps logs and topics, to look at them",
                   [flags] { return run(*flags); });
  command->add_option("FILE", flags->file, "Topology file (YAML)")->required();
  command->add_flag("--keep", flags->keep, "Do not remove the temporary folder");
  command->add_flag(
      "--resume", flags->resume,
      "Leave out pictures of folders that an earlier run, broken off or not, has done: their files are there and\n"
      "neither they nor the picture nor the topology has changed since");
  command->add_flag("--resume-changed", flags->any_recipe,
                    "The same, and what another version of the topology has written counts as done, too");
  plugin::declare_plugin_flag(*command, flags->plugins, "that the master and the workers load");
  flags->settings.declare(
      *command, {"slots", "brokers", "prefix", "kafka-config", "max-message-bytes", "loss-ticks", "tick-interval"});
  add_json_flag(*command, flags->json);
}

}  // namespace ride::cli
