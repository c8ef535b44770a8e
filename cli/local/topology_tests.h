// Runs tests of a topology, each in a process of its own (ride-test): one that crashes or hangs ends alone. Owner: the
// command. Threads: one. Failure: an Error where no test can be run at all; cancelled: interrupted.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/core/test_view.h"
#include "cli/topology_file.h"

namespace ride::cli {

struct TestOptions {
  std::vector<std::string> only;  // names; empty: all
  std::filesystem::path out;      // where pictures of failures are put
  bool update = false;
};

// `finished` is called with each, in order. invalid_argument: the file has no tests, or none of a name in `only`.
Result<std::vector<TestResult>> run_topology_tests(const TopologyFile& file, const TestOptions& options,
                                                   const std::stop_token& stop,
                                                   const std::function<void(const TestResult&)>& finished);

}  // namespace ride::cli
