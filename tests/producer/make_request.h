// A source as its runner gets it, from the maker of its kind, on the in-memory log.
#pragma once

#include "memory_access.h"
#include "producer/item_manifest.h"
#include "producer/make_source.h"
#include "producer/work_budget.h"

namespace ride::producer {

class MakeRequest {
 public:
  explicit MakeRequest(std::map<std::string, std::string> variables = {})
      : environment_(environment_of(std::move(variables))) {
    job_.job = JobName{"job"};
    job_.run = RunNumber{1};
    job_.prefix = "p";
  }
  // The source must not outlive this. Its parameters may be left out: then they have the declared defaults.
  MadeSource make(stream::SourceSpec spec) {
    job_.sources = {std::move(spec)};
    return make_source(job_, job_.sources[0], access_, manifest_, environment_, watch_);
  }
  stream::MemoryLog& log() { return *log_; }

 private:
  stream::JobSpec job_;
  Environment environment_;
  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  MemoryAccess access_{log_};
  MemoryManifest manifest_;
  WorkBudget work_budget_{1 << 26};
  ItemWatch watch_{work_budget_, JobName{"job"}, RunNumber{1}, "src", {}};
};

}  // namespace ride::producer
