#include "cli/local/kept.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "cli/core/fields.h"
#include "common/file_text.h"
#include "common/text.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

std::string for_shell(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                          "-_./:,=+@%") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string fallback(const char* name) { return std::get<std::string>(*setting_spec(name).default_value); }

// The flags that lead to it.
std::string flags_of(const std::string& state_folder, const std::string& prefix) {
  std::string flags;
  if (state_folder != fallback("state")) flags += " --state " + for_shell(state_folder);
  if (!prefix.empty() && prefix != fallback("prefix")) flags += " --prefix " + for_shell(prefix);
  return flags;
}

}  // namespace

std::optional<RunInfo> kept_in(const fs::path& state_folder) {
  std::error_code failed;
  if (!fs::is_directory(state_folder / "broker", failed)) return std::nullopt;
  const auto running = running_in(state_folder);
  if (running && running->pid != getpid()) return std::nullopt;  // ours is over when it asks
  return parse_run_info(file_text(state_folder / "run.json"));
}

std::string open_command(const std::string& state_folder, const std::string& prefix) {
  return "ride up --idle" + flags_of(state_folder, prefix);
}

std::string look_at_kept(const std::string& state_folder) {
  const auto info = parse_run_info(file_text(fs::path(state_folder) / "run.json"));
  if (!info) return {};
  const std::string job = one_line(info->job), &prefix = info->prefix;
  if (!kept_in(state_folder))  // its Kafka was a cluster of the user's
    return fmt::format("its topics stay there: ride ledger {} --brokers {} --prefix {}", job, for_shell(info->brokers),
                       for_shell(prefix));
  const std::string state = flags_of(state_folder, "");  // a master knows its prefix
  return fmt::format(
      "  {}    starts its broker and a master again, and no job; then, in another terminal:\n"
      "  ride status {}{}\n  ride logs {}{}\n  ride ledger {}{}\n  ride dead list {}{}",
      open_command(state_folder, prefix), job, state, job, state, job, flags_of(state_folder, prefix), job,
      flags_of(state_folder, prefix));
}

std::optional<Error> why_down(const Settings& settings) {
  const auto& state = settings.text("state");
  const auto kept = kept_in(state);
  if (!kept) return std::nullopt;
  return Error{
      ErrorCode::unavailable,
      fmt::format("the cluster of the state folder {} (job '{}') is down. '{}' opens what it kept, and starts no job; "
                  "'ride up FILE' goes on with it",
                  state, one_line(kept->job), open_command(state, kept->prefix))};
}

}  // namespace ride::cli
