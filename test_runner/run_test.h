// One test of a topology, from its input to its report. Reads and writes files. Threads: one; a task may have its own.
// Failure: none; what goes wrong is a failure of the test. A task that crashes ends the process: each test has one.
#pragma once

#include <filesystem>
#include <string>

#include "common/environment.h"
#include "test_runner/test_report.h"
#include "topology/topology.h"
#include "worker/tasks/task_registry.h"

namespace ride::test_runner {

struct TestPlaces {
  std::filesystem::path folder;  // where relative paths of the test begin
  std::filesystem::path sheet;   // the picture of a failure; its folder is made
  bool update = false;           // an expected picture that differs, or is not there, is written
};

TestReport run_test(const topology::Topology& topology, const topology::TestCase& test, const TestPlaces& places,
                    const tasks::TaskRegistry& registry, const Environment& environment);

}  // namespace ride::test_runner
