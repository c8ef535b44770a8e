// ride: the command line of RIDE. Flags are read here; each command group adds its own (cli/command.h).
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/command.h"
#include "cli/commands/acls_command.h"
#include "cli/commands/topic_command.h"
#include "cli/terminal.h"
#include "common/command_line.h"
#include "common/log.h"
#include "common/run_main.h"
#include "common/suggest.h"
#include "common/version.h"

namespace {

using namespace ride::cli;

constexpr const char* kFooter = R"(
Start here:
  ride doctor                     is everything there that RIDE needs?
  ride up street.yaml             start everything for a topology on this machine; Ctrl-C ends it
  ride run pictures.yaml          process a finite input and end
  ride new task bright_spots --lang python    a folder with a task of your own, to begin with

With a running cluster:
  ride submit street.yaml --master http://host:7800
  ride status street
  ride tap street/people --show   look at a picture that waits

'ride COMMAND --help' explains a command with examples.
)";

void add_commands(Program& program) {
  add_local_commands(program);
  add_topology_commands(program);
  add_new_command(program);
  add_test_command(program);
  add_try_command(program);
  add_task_commands(program);
  add_job_commands(program);
  add_scale_commands(program);
  add_status_commands(program);
  add_log_command(program);
  add_tap_command(program);
  add_ledger_commands(program);
  add_chaos_command(program);
  add_dead_command(program);
  add_doctor_command(program);
  add_config_command(program);
  add_models_command(program);
  add_artifacts_command(program);
  add_broker_command(program);
  add_acls_command(program);
  add_topic_command(program);
  program.add("This machine", "version", "Print the version", "  ride version", [] {
    print(fmt::format("ride {}\n", ride::version()));
    return ExitCode::ok;
  });
}

// CLI11 says only that arguments were not expected: name the command that was meant.
bool explain_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return false;
  const std::string meant = ride::did_you_mean(argv[1], names);
  print_error(fmt::format("there is no command '{}'{} 'ride --help' lists them", argv[1], meant.empty() ? "." : meant));
  return true;
}

int run(int argc, char** argv) {
  CLI::App app{"RIDE: real-time image processing on Kafka.", "ride"};
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("ride ") + ride::version());
  app.require_subcommand(1);
  Program program(app);
  add_commands(program);
  if (argc == 1) {
    print(app.help());
    return static_cast<int>(ExitCode::usage);
  }
  if (explain_unknown_command(app, argc, argv)) return static_cast<int>(ExitCode::usage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ride::end_command_line(app, error);
  }
  ride::init_logging("ride", ride::LogLevel::warning);
  return static_cast<int>(program.chosen()());
}

}  // namespace

int main(int argc, char** argv) {
  return ride::run_main("ride", [&] { return run(argc, argv); });
}
