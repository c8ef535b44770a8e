#include "cli/find_master.h"

#include <spdlog/fmt/fmt.h>

#include "cli/core/fields.h"
#include "cli/local/run_folder.h"
#include "common/suggest.h"

namespace ride::cli {

Result<MasterClient> find_master(const Settings& settings) {
  if (settings.is_default("master")) {
    const auto running = running_in(settings.text("state"));
    if (running && !running->master.empty()) return MasterClient::open(running->master);
  }
  return MasterClient::open(settings.text("master"));
}

std::string find_brokers(const Settings& settings) {
  if (settings.is_default("brokers")) {
    const auto running = running_in(settings.text("state"));
    if (running && !running->brokers.empty()) return running->brokers;
  }
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
