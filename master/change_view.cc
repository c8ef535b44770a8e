#include "master/change_view.h"

#include "common/json.h"
#include "master/core/job_change.h"

namespace ride::master {

using nlohmann::json;

json change_view(const Job& before, const stream::JobSpec& after) {
  const auto change = change_of(*before.spec, as_change_of(*before.spec, after));
  auto differences = json::array();
  for (const auto& one : change.differences)
    differences.push_back({{"part", one.part.empty() ? json() : json(one.part)},
                           {"key", one.key.empty() ? json() : json(one.key)},
                           {"before", one.before},
                           {"after", one.after},
                           {"at_once", one.at_once},
                           {"text", to_string(one)}});
  auto again = json::array();
  for (const auto& source : after.sources)
    if (source.finite) again.push_back(source.name);
  return {{"job", before.spec->job.value},
          {"change", to_string(change.kind)},
          {"run", before.spec->run.value},
          {"next_run", change.kind == JobChange::Kind::replace ? json(after.run.value) : json()},
          {"phase", to_string(before.phase)},
          {"differences", differences},
          {"begins_again", change.kind == JobChange::Kind::replace ? again : json::array()}};
}

}  // namespace ride::master
