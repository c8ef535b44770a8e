// The topics of a job and its first commits. Through the ports only, so that the in-memory log serves tests. Threads:
// the caller's; may take seconds.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <string>

#include "stream/ports.h"
#include "stream/spec.h"

namespace ride::master {

struct TopicWork {
  stream::TopicAdmin& admin;
  stream::CommitStore& commits;
  std::chrono::milliseconds patience{15'000};  // with a cluster that says "later"
  std::function<bool()> stopped = [] { return false; };
};

// Makes what is missing, checks what is there, and writes the first commit of every partition that has none (decision
// 0032). Idempotent: a second master may do it again. Errors say which topic, what is wrong and what to do.
Result<void> make_topics(const TopicWork& work, const stream::JobSpec& spec);

// Whether making a job's topics may succeed later though nobody changes anything: all but a conflict of names or
// partitions, a configuration that the cluster refuses, and what it forbids.
bool can_pass(const Error& error);

// Removes the input topics that were made for the job. Adopted and named topics belong to others and stay.
Result<void> remove_topics(const TopicWork& work, const stream::JobSpec& spec);

// The highest run number that stands in a topic's name "<prefix>.<job>.<run>.<stage>"; 0: none. Nothing is made under
// an old name, also when the decisions log was lost.
RunNumber highest_run(const std::vector<stream::TopicInfo>& topics, const std::string& prefix, const std::string& job,
                      std::int64_t most = std::numeric_limits<std::int64_t>::max() - 1);

}  // namespace ride::master
