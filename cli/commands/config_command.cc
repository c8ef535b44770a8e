// ride config: each option, its value, and where it came from.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/table.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/log.h"
#include "common/redact.h"

namespace ride::cli {
namespace {

struct ConfigFlags {
  bool json = false;
  SettingFlags settings;
};

ExitCode show_config(const ConfigFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  Table table({{"OPTION"}, {"VALUE"}, {"FROM"}, {"VARIABLE"}, {"MEANING"}});
  for (const ParamSpec& spec : setting_specs()) {
    const Setting& setting = settings->at(spec.name);
    const std::string value = redact(ride::to_string(setting.value));
    const std::string from = setting.place.empty() ? to_string(setting.origin) : setting.place;
    table.add({Cell(spec.name, Tone::bold), value.empty() ? "-" : value,
               Cell(from, setting.origin == Origin::fallback ? Tone::dim : Tone::good), variable_of(spec.name),
               spec.doc});
    nlohmann::ordered_json entry = {{"name", spec.name},
                                    {"value", nullptr},
                                    {"origin", to_string(setting.origin)},
                                    {"place", setting.place},
                                    {"variable", variable_of(spec.name)},
                                    {"doc", spec.doc}};
    if (type_of(setting.value) == ParamType::integer) {
      entry["value"] = std::get<std::int64_t>(setting.value);
    } else {
      entry["value"] = value;
    }
    list.push_back(std::move(entry));
  }
  if (flags.json) {
    print(list.dump(2) + "\n");
    return ExitCode::ok;
  }
  const Terminal terminal = stdout_terminal();
  print(table.render(terminal.style, terminal.width));
  print(
      "\nA flag wins over its variable, that over ride.conf (or the file that RIDE_CONFIG names), that over the "
      "default.\n");
  return ExitCode::ok;
}

}  // namespace

void add_config_command(Program& program) {
  auto flags = std::make_shared<ConfigFlags>();
  auto& command = program.add("This machine", "config",
                              "Show every option's value, and whether flag, variable, file or default won",
                              "  ride config\n"
                              "  RIDE_BROKERS=kafka1:9092 ride config --json\n"
                              "  echo 'slots = 4' >> ride.conf && ride config",
                              [flags] { return show_config(*flags); });
  std::vector<std::string> names;
  for (const ParamSpec& spec : setting_specs()) names.push_back(spec.name);
  flags->settings.declare(command, names);
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
