// What differs between a job that runs and the same job submitted again, and what that takes (decision 0016): sizes of
// groups, how they scale and the job's priority change at once; everything else is fixed within a run and needs a new
// one. Pure.
#pragma once

#include <string>
#include <vector>

#include "stream/spec.h"

namespace ride::master {

// True when `after` differs from `before`, a spec of the same run, in nothing else.
bool takes_effect_at_once(const stream::JobSpec& before, const stream::JobSpec& after);

// `after` as it would be within the run of `before`: its names carry that run's number, what stands in both in another
// order stands as in `before`, and what the cluster settles is as it was.
stream::JobSpec as_change_of(const stream::JobSpec& before, stream::JobSpec after);

// Keys are those of the topology file.
struct Difference {
  std::string part;           // "clean"; empty: the job itself
  std::string key;            // "group.max"; empty: the part as a whole is new, or gone
  std::string before, after;  // empty: not there
  bool at_once = false;
  bool operator==(const Difference&) const = default;
};
std::string to_string(const Difference& difference);  // "clean: group.max 4 → 6"
std::string to_string(const std::vector<Difference>& differences);

struct JobChange {
  enum class Kind { none, at_once, replace };
  Kind kind = Kind::none;
  std::vector<Difference> differences;
};
const char* to_string(JobChange::Kind kind);  // "none"

// `after` as as_change_of() makes it.
JobChange change_of(const stream::JobSpec& before, const stream::JobSpec& after);

}  // namespace ride::master
