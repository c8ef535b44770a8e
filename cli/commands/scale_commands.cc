// ride scale, hold: a person sets the size of a group, or freezes it, or lets the platform size it again.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/command.h"
#include "cli/core/change_view.h"
#include "cli/core/fields.h"
#include "cli/find_master.h"
#include "cli/terminal.h"

namespace ride::cli {
namespace {

struct SizeFlags {
  std::string target, workers;
  bool json = false, release = false;
  SettingFlags settings;
};

// "street/clean", or "street" alone: all of its stages.
struct Target {
  std::string job, stage;
  std::string path() const {
    return "/jobs/" + url_encoded(job) + (stage.empty() ? "" : "/stages/" + url_encoded(stage));
  }
};

Result<Target> parse_target(const std::string& text, bool needs_stage) {
  const auto slash = text.find('/');
  Target target{text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash + 1)};
  const bool whole = !target.job.empty() && (slash == std::string::npos ? !needs_stage : !target.stage.empty()) &&
                     target.stage.find('/') == std::string::npos;
  if (whole) return target;
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("'{}' does not name a {}; write JOB/STAGE, for example street/clean ('ride status' shows both)", text,
                  needs_stage ? "stage of a job" : "job or stage")};
}

// What is sent: {"workers": 3}, or null for auto.
Result<Json> parse_workers(const std::string& text) {
  if (text == "auto") return Json{{"workers", nullptr}};
  int workers = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), workers);
  if (failed == std::errc() && rest == text.data() + text.size() && workers >= 1) return Json{{"workers", workers}};
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("'{}' is neither a number of workers from 1 nor 'auto'; to stop a job's work, use 'ride pause'",
                  text)};
}

ExitCode order(const SizeFlags& flags, const Target& target, const std::string& verb, const std::string& body) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  const auto reply = master->post(target.path() + "/" + verb, body, body.empty() ? "" : "application/json");
  if (!reply.ok()) return fail(reply.error());
  if (reply->status == 404 && !master->fetch("/jobs/" + url_encoded(target.job)).ok())
    return fail(no_such_job(*master, target.job));
  if (!reply->ok()) return fail(error_of(*reply));
  print(flags.json ? reply->body->dump() + "\n" : render_sizes(*reply->body));
  return ExitCode::ok;
}

ExitCode scale(const SizeFlags& flags) {
  const auto target = parse_target(flags.target, true);
  if (!target.ok()) return fail(target.error());
  const auto workers = parse_workers(flags.workers);
  if (!workers.ok()) return fail(workers.error());
  return order(flags, *target, "scale", workers->dump());
}

ExitCode hold(const SizeFlags& flags) {
  const auto target = parse_target(flags.target, false);
  if (!target.ok()) return fail(target.error());
  return order(flags, *target, flags.release ? "release" : "hold", "");
}

}  // namespace

void add_scale_commands(Program& program) {
  auto flags = std::make_shared<SizeFlags>();
  auto* command =
      &program.add(kJobsGroup, "scale", "Set how many workers a stage has, and hold it there",
                   "  ride scale street/clean 4       four workers from now on, whatever the frame rate: the platform "
                   "would undo it\n"
                   "                                  otherwise. It may be outside of min..max, up to one worker for "
                   "each partition\n"
                   "  ride scale street/clean auto    sized by the frame rate again, within min..max of the topology\n"
                   "  ride status street              shows the size, why it is so, and what the pool lacks",
                   [flags] { return scale(*flags); });
  command->add_option("JOB/STAGE", flags->target, "Which group")->required();
  command->add_option("N", flags->workers, "Workers, or 'auto'")->required();
  flags->settings.declare(*command, {"master", "token-file", "state"});
  add_json_flag(*command, flags->json);

  flags = std::make_shared<SizeFlags>();
  command = &program.add(kJobsGroup, "hold", "Freeze the size of a stage's group, or of all groups of a job",
                         "  ride hold street/clean            stays as it is until it is released\n"
                         "  ride hold street                  all stages, for example while you measure\n"
                         "  ride hold street --release        sized by the frame rate again",
                         [flags] { return hold(*flags); });
  command->add_option("JOB[/STAGE]", flags->target, "Which group; a job alone: all of its groups")->required();
  command->add_flag("--release", flags->release, "Let the platform size it again");
  flags->settings.declare(*command, {"master", "token-file", "state"});
  add_json_flag(*command, flags->json);
}

}  // namespace ride::cli
