// What `ride test` prints: a line for each test, what is wrong below it, a sum; or JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/core/table.h"
#include "test_runner/test_report.h"

namespace ride::cli {

struct TestResult {
  std::string name;
  double seconds = 0;
  test_runner::TestReport report;
  bool hash_written = false;  // into the topology file
};

struct TestCounts {
  std::size_t ok = 0, failed = 0, skipped = 0;
};
TestCounts count_tests(const std::vector<TestResult>& results);

std::string test_text(const TestResult& result, const Style& style);
std::string tests_sum_text(const TestCounts& counts);  // "3 tests: 1 ok, 1 failed, 1 skipped"
std::string tests_json(const std::string& job, const std::vector<TestResult>& results);

}  // namespace ride::cli
