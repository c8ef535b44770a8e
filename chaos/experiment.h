// Experiment: a topology under a plan of faults from beginning to end: a test cluster, the job, its recorder, the
// fault runner, the drain, and the report with the ledger's verdict. What speaks to a master is given by the caller
// (chaos knows no HTTP). Threads: one. Failure: says at which step; everything is ended either way.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "chaos/core/plan.h"
#include "chaos/core/report.h"
#include "chaos/core/timeline.h"
#include "chaos/test_cluster.h"
#include "ledger/core/statement.h"
#include "ledger/sink_files.h"

namespace ride::chaos {

struct ExperimentOptions {
  TestClusterOptions test_cluster;  // its sizes are the plan's
  Plan plan;
  std::uint64_t seed = 1;
  // Hand the topology in, and drain the job, at this master.
  std::function<Result<JobName>(const std::string& master_url)> submit;
  std::function<Result<void>(const std::string& master_url, const JobName& job)> drain;
  std::function<void(const std::string&)> say;
};

struct ExperimentResult {
  Report report;
  ledger::Statement statement;
  std::vector<ledger::SinkFiles> files;
  Timeline timeline;
  bool completed = false;  // the job came to its end after the drain
  bool clean() const { return completed && report.crashes.empty() && statement.clean() && ledger::missing(files) == 0; }
};

Result<ExperimentResult> run_experiment(const ExperimentOptions& options, std::stop_token stop = {});

}  // namespace ride::chaos
