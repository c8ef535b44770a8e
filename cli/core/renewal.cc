#include "cli/core/renewal.h"

#include <algorithm>

#include "cli/core/fields.h"

namespace ride::cli {

Members members_of(const nlohmann::json& workers, const std::string& job) {
  Members members;
  for (const auto& worker : list_of(workers, "workers"))
    if (text_of(worker, "state") == "live" && text_of(worker, "job") == job)
      members[text_of(worker, "stage")].insert(text_of(worker, "id"));
  return members;
}

bool renewed(const nlohmann::json& workers, const std::string& job, const Members& before) {
  std::set<std::string> open;
  for (const auto& worker : list_of(workers, "workers")) {
    if (text_of(worker, "state") != "live") continue;
    const auto id = text_of(worker, "id");
    if (std::any_of(before.begin(), before.end(), [&](const auto& stage) { return stage.second.contains(id); }))
      return false;
    if (text_of(worker, "job") == job && flag_of(worker, "warm")) open.insert(text_of(worker, "stage"));
  }
  return std::all_of(before.begin(), before.end(), [&](const auto& stage) { return open.contains(stage.first); });
}

}  // namespace ride::cli
