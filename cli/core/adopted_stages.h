// Which stages read a topic that others write, as the decisions log shows it: of each job's latest run, by "job/stage".
// Their topics do not bear the stage's name, so the list of topics alone does not show them. Pure. Owner: one thread.
// Call order: apply() every decision that counts in log order, then all().
#pragma once

#include <map>
#include <string>

#include "stream/control.h"
#include "stream/core/snapshot.h"

namespace ride::cli {

struct AdoptedTopic {
  std::string topic;
  stream::AdoptSpec records;  // what they hold
  bool operator==(const AdoptedTopic&) const = default;
};
using AdoptedTopics = std::map<std::string, AdoptedTopic>;

class AdoptedStages {
 public:
  // unsupported: a snapshot of another version.
  Result<void> apply(const stream::Decision& decision);
  AdoptedTopics all() const;

 private:
  void accept(const stream::JobSpec& spec);

  stream::SnapshotAssembler assembler_;
  std::map<JobName, AdoptedTopics> jobs_;
};

}  // namespace ride::cli
