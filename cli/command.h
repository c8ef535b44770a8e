// How a command group adds its subcommands to `ride`: name, what it does, examples, and what runs when it is chosen.
// The flags of a command live in a struct that its action holds (shared_ptr), so nothing is global.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/core/exit_code.h"
#include "cli/core/settings.h"
#include "common/param.h"
#include "common/result.h"

namespace CLI {
class App;
}

namespace ride::cli {

inline constexpr const char* kJobsGroup = "Jobs";  // of commands, in the help

using Action = std::function<ExitCode()>;

class Program {
 public:
  explicit Program(CLI::App& app) : app_(app) {}

  // `examples`: lines of "command   what it does". The action runs after the whole command line was read.
  CLI::App& add(const std::string& group, const std::string& name, const std::string& summary,
                const std::string& examples, Action action);
  const Action& chosen() const { return chosen_; }

 private:
  CLI::App& app_;
  Action chosen_;
};

// Flags made from declarations; remembers which were given.
class ParamFlags {
 public:
  void declare(CLI::App& app, const std::vector<ParamSpec>& specs);
  const std::map<std::string, std::string>& given() const { return *given_; }
  Result<ParamValues> values() const;  // checked, defaults filled in

 private:
  std::vector<ParamSpec> specs_;
  std::shared_ptr<std::map<std::string, std::string>> given_ = std::make_shared<std::map<std::string, std::string>>();
};

// The settings (cli/core/settings.h) that a command takes as flags; all of them are looked up in environment and file.
class SettingFlags {
 public:
  void declare(CLI::App& app, const std::vector<std::string>& names);
  Result<Settings> resolve() const;

 private:
  ParamFlags flags_;
};

Result<SettingsFile>
load_settings_file();  // RIDE_CONFIG, else ride.conf in the working folder; empty where there is none

// A flag of its own meaning in most commands.
void add_json_flag(CLI::App& app, bool& json);

// Prints the error and turns it into an exit code.
ExitCode fail(const Error& error);

// One function for each group of commands.
void add_topology_commands(Program& program);
void add_test_command(Program& program);
void add_try_command(Program& program);
void add_new_command(Program& program);
void add_task_commands(Program& program);
void add_job_commands(Program& program);
void add_scale_commands(Program& program);
void add_status_commands(Program& program);
void add_log_command(Program& program);
void add_local_commands(Program& program);
void add_tap_command(Program& program);
void add_ledger_commands(Program& program);
void add_chaos_command(Program& program);
void add_dead_command(Program& program);
void add_config_command(Program& program);
void add_doctor_command(Program& program);
void add_broker_command(Program& program);
void add_models_command(Program& program);
void add_artifacts_command(Program& program);

}  // namespace ride::cli
