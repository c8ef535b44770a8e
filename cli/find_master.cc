#include "cli/find_master.h"

#include <spdlog/fmt/fmt.h>

#include <optional>

#include "cli/core/fields.h"
#include "cli/local/kept.h"
#include "cli/local/run_folder.h"
#include "common/environment.h"
#include "common/suggest.h"
#include "common/token_file.h"
#include "process/free_port.h"

namespace ride::cli {

namespace {

constexpr int kUsualPort = 9092;  // of the default of --brokers

}  // namespace

Result<std::string> master_token(const Settings& settings, const std::string& otherwise) {
  const auto given = process_environment()("RIDE_TOKEN");
  if (settings.at("token-file").origin != Origin::flag && given && !given->empty()) {
    if (is_token(*given)) return *given;
    return Error{ErrorCode::invalid_argument,
                 "RIDE_TOKEN holds no token: a token has at least 16 characters, without blanks"};
  }
  const auto& file = settings.is_default("token-file") ? otherwise : settings.text("token-file");
  if (file.empty()) return std::string();
  RIDE_ASSIGN(auto tokens, read_token_file(file));
  return std::move(tokens.front());
}

Result<MasterClient> find_master(const Settings& settings) {
  std::optional<RunInfo> running;
  std::optional<Error> down;
  if (settings.is_default("master")) {
    running = running_in(settings.text("state"));
    down = why_down(settings);
    if (down && !settings.is_default("state")) return *down;  // no other cluster was meant
  }
  const bool found = running && !running->master.empty();
  RIDE_ASSIGN(const auto token, master_token(settings, found ? running->token_file : ""));
  auto client = MasterClient::open(found ? running->master : settings.text("master"), token);
  if (client.ok() && down && !client->fetch("/leader").ok()) return *down;
  return client;
}

std::string find_brokers(const Settings& settings) {
  if (settings.is_default("brokers")) {
    const auto running = running_in(settings.text("state"));
    if (running && !running->brokers.empty()) return running->brokers;
  }
  return settings.text("brokers");
}

Result<std::string> brokers_to_ask(const Settings& settings) {
  if (!settings.is_default("brokers")) return settings.text("brokers");
  const auto down = why_down(settings);
  if (!down) return find_brokers(settings);
  // Another cluster may be where the defaults lead, unless the folder was named.
  const bool nobody = process::check_port_free("127.0.0.1", kUsualPort).ok();
  if (nobody || !settings.is_default("state")) return *down;
  return settings.text("brokers");
}

Error no_such_job(MasterClient& master, const std::string& job) {
  std::vector<std::string> names;
  if (const auto jobs = master.fetch("/jobs"); jobs.ok())
    for (const Json& one : list_of(*jobs, "jobs")) names.push_back(text_of(one, "job"));
  const std::string known = names.empty() ? "The master at " + master.url() + " has no jobs at all"
                                          : fmt::format("Known: {}", fmt::join(names, ", "));
  const std::string meant = did_you_mean(job, names);
  return {ErrorCode::not_found, fmt::format("there is no job '{}'{} {}", job, meant.empty() ? "." : meant, known)};
}

}  // namespace ride::cli
