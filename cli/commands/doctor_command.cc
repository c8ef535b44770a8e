// ride doctor: is all there that RIDE needs?
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/doctor/checks.h"
#include "cli/terminal.h"
#include "common/json.h"

namespace ride::cli {
namespace {

struct DoctorFlags {
  bool json = false;
  SettingFlags settings;
};

ExitCode examine_machine(const DoctorFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto checks = examine(*settings);
  const Terminal terminal = stdout_terminal();
  print(flags.json ? checks_to_json(checks).dump(2) + "\n" : render_checks(checks, terminal.style, terminal.width));
  return all_needed(checks) ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_doctor_command(Program& program) {
  auto flags = std::make_shared<DoctorFlags>();
  auto& command = program.add("This machine", "doctor",
                              "Check that everything RIDE needs is there: Java, Kafka, GPU, cameras, disk",
                              "  ride doctor                              exit code 1 if something needed is missing\n"
                              "  ride doctor --brokers kafka1:9092        with a look at that cluster\n"
                              "  ride doctor --json | jq '.checks[] | select(.finding != \"ok\")'",
                              [flags] { return examine_machine(*flags); });
  flags->settings.declare(command, {"brokers", "kafka-config", "max-message-bytes", "state", "http", "broker-port"});
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
