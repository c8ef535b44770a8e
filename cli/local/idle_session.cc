#include "cli/local/idle_session.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/core/host_port.h"
#include "cli/interrupt.h"
#include "cli/local/kept.h"
#include "cli/local/local_cluster.h"
#include "cli/terminal.h"
#include "common/text.h"

namespace ride::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kIdleLook{250};

Error nothing_kept(const std::string& state) {
  if (const auto running = running_in(state))
    return {ErrorCode::already_exists,
            fmt::format("the cluster of {} runs already (process {}): ask it with 'ride status'", state, running->pid)};
  return {ErrorCode::not_found,
          fmt::format("{} keeps no cluster: neither 'ride up' nor 'ride run --keep' has left one there. Name "
                      "the folder with --state DIR",
                      state)};
}

// Until somebody is tired of it, the time is over, or what should run has ended.
ExitCode wait_for_end(const LocalCluster& cluster, const IdleOptions& options, Interrupt& interrupt) {
  const auto begun = Clock::now();
  for (;;) {
    if (const auto alive = cluster.check(); !alive.ok()) return fail(alive.error()), ExitCode::failed;
    if (options.duration && Clock::now() - begun >= *options.duration) return ExitCode::ok;
    if (interrupt.wait(kIdleLook)) return interrupt.exit_code();
  }
}

}  // namespace

ExitCode run_idle(const IdleOptions& options) {
  const Settings& settings = options.settings;
  const auto& state = settings.text("state");
  if (!settings.is_default("brokers"))
    return fail({ErrorCode::invalid_argument,
                 "--idle opens a folder's own broker; for a cluster of yours start 'ride-master --brokers ...'"});
  Interrupt interrupt;
  const auto kept = kept_in(state);
  if (!kept) return fail(nothing_kept(state));
  if (auto usable = check_http(settings, false); !usable.ok()) return fail(usable.error());
  auto folder = RunFolder::open(state);
  if (!folder.ok()) return fail(folder.error());
  const std::string prefix =
      settings.is_default("prefix") && !kept->prefix.empty() ? kept->prefix : settings.text("prefix");
  const auto say = [](const std::string& line) { print(line + "\n"); };
  LocalCluster cluster;
  const LocalOptions local{.settings = &settings,
                           .broker_data = folder->broker_data(),
                           .logs = folder->logs(),
                           .prefix = prefix,
                           .idle = true};
  if (auto started = cluster.start(local, interrupt.token(), say); !started.ok())
    return interrupt.requested() ? interrupt.exit_code() : fail(started.error());
  auto info = *kept;  // what the next `ride up` goes on with stays
  info.pid = getpid();
  info.master = cluster.master().url();
  info.brokers = cluster.brokers();
  info.token_file = absolute_token_file(settings);
  ExitCode code = ExitCode::failed;
  if (auto saved = folder->save(info); !saved.ok()) {
    code = fail(saved.error());
  } else {
    say(fmt::format("idle: no job is started, nothing is processed; job '{}' can be asked after until Ctrl-C",
                    one_line(info.job)));
    code = wait_for_end(cluster, options, interrupt);
  }
  cluster.stop(interrupt.hurry(), say);
  return code;
}

}  // namespace ride::cli
