// ride logs: what happened, in the master's words.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/fields.h"
#include "cli/core/status_view.h"
#include "cli/find_master.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"

namespace ride::cli {
namespace {

constexpr int kPage = 500;
constexpr std::chrono::milliseconds kLogLook{500};

struct LogFlags {
  std::string job, severity = "info";
  bool json = false, follow = false;
  int last = 50;
  std::int64_t after = -1;
  SettingFlags settings;
};

int rank_of(const std::string& severity) { return severity == "error" ? 2 : severity == "warning" ? 1 : 0; }

bool wanted(const Json& event, const LogFlags& flags) {
  if (!flags.job.empty() && !concerns(event, flags.job)) return false;
  return rank_of(text_of(event, "severity", "info")) >= rank_of(flags.severity);
}

// All events behind `after`; moves it forward.
Result<std::vector<Json>> read_events(MasterClient& master, std::int64_t& after, const LogFlags& flags) {
  std::vector<Json> events;
  for (;;) {
    RIDE_ASSIGN(const auto page, master.fetch(fmt::format("/events?after={}&limit={}", after, kPage)));
    const Json& list = list_of(page, "events");
    for (const Json& event : list) {
      after = std::max(after, count_of(event, "n"));
      if (wanted(event, flags)) events.push_back(event);
    }
    if (list.size() < static_cast<std::size_t>(kPage)) return events;
  }
}

ExitCode show_logs(const LogFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  auto master = find_master(*settings);
  if (!master.ok()) return fail(master.error());
  const ViewOptions view{stdout_terminal().style, 0, system_now()};
  const auto show = [&](const Json& event) {
    print(flags.json ? event.dump() + "\n" : render_event(event, view) + "\n");
  };
  std::int64_t after = std::max<std::int64_t>(flags.after, 0);
  auto events = read_events(*master, after, flags);
  if (!events.ok()) return fail(events.error());
  const std::size_t count = events->size();
  const bool all = flags.after >= 0 || flags.last == 0;
  for (std::size_t i =
           all || count <= static_cast<std::size_t>(flags.last) ? 0 : count - static_cast<std::size_t>(flags.last);
       i < count; ++i)
    show((*events)[i]);
  if (!flags.follow) return ExitCode::ok;
  Interrupt interrupt;
  while (!interrupt.wait(kLogLook)) {
    events = read_events(*master, after, flags);
    if (!events.ok()) return fail(events.error());
    for (const Json& event : *events) show(event);
  }
  return interrupt.exit_code();
}

}  // namespace

void add_log_command(Program& program) {
  auto flags = std::make_shared<LogFlags>();
  auto& command =
      program.add("Jobs", "logs", "Show what happened: decisions with their reasons, notices of workers and producers",
                  "  ride logs                              the last 50 events\n"
                  "  ride logs street -f                    of one job, and those to come\n"
                  "  ride logs --severity warning --json    one JSON object a line",
                  [flags] { return show_logs(*flags); });
  command.add_option("JOB", flags->job, "Only events of this job, and overload of the platform");
  command.add_flag("-f,--follow", flags->follow, "Wait for new events, until Ctrl-C");
  command.add_option("--last", flags->last, "How many past events; 0: all that the master still has")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  command.add_option("--after", flags->after, "Only events after this number (n in --json), for scripts that continue");
  command.add_option("--severity", flags->severity, "Only this severity and worse")
      ->check(CLI::IsMember({"info", "warning", "error"}))
      ->capture_default_str();
  flags->settings.declare(command, {"master", "token-file", "state"});
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
