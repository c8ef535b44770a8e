// ride artifacts: the files that jobs brought along, and removing those that none needs.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/artifact_list.h"
#include "cli/find_master.h"
#include "cli/interrupt.h"
#include "cli/shipping.h"
#include "cli/terminal.h"
#include "common/units.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"

namespace ride::cli {
namespace {

struct ArtifactFlags {
  SettingFlags settings;
  bool json = false, prune = false, yes = false;
  std::string unnamed_for = "1h";
};

Result<stream::Pruned> remove_all(MasterClient& master, const ArtifactPlace& place,
                                  const std::vector<ListedArtifact>& all, std::chrono::milliseconds grace,
                                  const stream::Stopped& stopped) {
  RIDE_ASSIGN(const auto open, open_artifacts(place));
  std::vector<stream::ArtifactRef> refs;
  refs.reserve(all.size());
  for (const auto& one : all) refs.push_back(one.upload.ref);
  const auto uses = [&master]() -> Result<std::set<std::string>> {
    RIDE_ASSIGN(const auto answer, master.fetch("/artifacts"));
    return used_uploads(answer);
  };
  return stream::prune_artifacts(open->ports, refs, grace, uses, stopped);
}

void show(const ArtifactFlags& flags, const std::vector<ListedArtifact>& all, const std::string& otherwise) {
  if (flags.json)
    print(to_json(all).dump(2) + "\n");
  else
    print(all.empty() ? otherwise + "\n" : artifact_table(all));
}

Result<void> list_or_prune(const ArtifactFlags& flags, const stream::Stopped& stopped) {
  RIDE_ASSIGN(const auto settings, flags.settings.resolve());
  RIDE_ASSIGN(auto master, find_master(settings));
  const auto grace = parse_duration(flags.unnamed_for);
  if (!grace.ok()) return invalid_argument("--unnamed-for: " + grace.error().message);
  RIDE_ASSIGN(const auto place, artifact_place(master, settings, named_brokers(settings)));
  RIDE_ASSIGN(const auto admin, kafka::open_admin(place.kafka));
  RIDE_ASSIGN(const auto reader,
              kafka::KafkaReader::open(place.kafka, {.group = "ride-control-reader", .reports_ends = true}));
  RIDE_ASSIGN(const auto index, stream::read_artifact_index(*reader, *admin, place.topic, stopped));
  if (const auto refusals = stream::refusals_text(index, place.topic); !refusals.empty()) print_error(refusals);
  // Asked after the index was read: a job that names one of these is known by then, or the submit was within the grace.
  RIDE_ASSIGN(const auto uses, master.fetch("/artifacts"));
  const auto all = list_artifacts(index, uses);
  if (!flags.prune) return show(flags, all, "no file was shipped with a topology yet"), Result<void>();
  const auto unused = prunable(all, system_now(), *grace);
  show(flags, unused,
       fmt::format("no file can be removed: each is used, or was named within the last {}", format_duration(*grace)));
  if (unused.empty()) return {};
  if (!flags.yes) return print_error("nothing was removed: 'ride artifacts prune --yes' removes these"), Result<void>();
  RIDE_ASSIGN(const auto pruned, remove_all(master, place, unused, *grace, stopped));
  print_error(fmt::format("removed: {}; the brokers free the disk when they compact {}, within a day or two",
                          pruned.removed.size(), place.topic));
  for (const auto& ref : pruned.kept)
    print_error(fmt::format("kept: {} (sha256 {}), which was named meanwhile", ref.name, ref.sha256.substr(0, 12)));
  return {};
}

ExitCode run_artifacts(const ArtifactFlags& flags) {
  Interrupt interrupt;
  const auto done = list_or_prune(flags, [&] { return interrupt.requested(); });
  if (done.ok()) return ExitCode::ok;
  return interrupt.requested() ? interrupt.exit_code() : fail(done.error());
}

}  // namespace

void add_artifacts_command(Program& program) {
  auto flags = std::make_shared<ArtifactFlags>();
  auto& command = program.add(
      kJobsGroup, "artifacts", "List the files that jobs brought along, or remove those that none needs",
      "  ride artifacts                  names, SHA-256, sizes, and which jobs use them\n"
      "  ride artifacts prune            what no job uses and no submit has named for an hour; removes nothing\n"
      "  ride artifacts prune --yes      removes it; a later submit ships it again",
      [flags] { return run_artifacts(*flags); });
  flags->settings.declare(command, {"master", "token-file", "state", "brokers", "kafka-config", "max-message-bytes"});
  command.require_subcommand(0, 1);
  add_json_flag(command, flags->json);
  auto* prune = command.add_subcommand("prune", "Show what could be removed, or remove it");
  prune->fallthrough();  // --master and the like stand behind it, too
  prune->add_flag("--yes", flags->yes, "Remove it");
  prune
      ->add_option("--unnamed-for", flags->unnamed_for,
                   "Leave what a submit has named within this time: one that goes on may rely on it")
      ->type_name("DURATION")
      ->capture_default_str();
  prune->callback([flags] { flags->prune = true; });
}

}  // namespace ride::cli
