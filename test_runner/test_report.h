// What came of one test, from the process that ran it to `ride test`. Values, and their JSON; any thread.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::test_runner {

enum class TestStatus { ok, failed, skipped };
const char* to_string(TestStatus status);

struct TestReport {
  TestStatus status = TestStatus::failed;
  std::vector<std::string> failures;  // what was expected and what came, a sentence each
  std::string skipped_because;        // what this machine lacks, and what to do
  std::string sheet;                  // the picture of a failure
  std::string wrote;                  // the expected picture that was written (--update)
  std::string sha256;                 // of what came out; empty: nothing did
};

// What a person reads: the first 20, each cut behind 2,000 bytes, and how many there are more.
std::vector<std::string> bounded(std::vector<std::string> failures);

std::string report_to_json(const TestReport& report);
Result<TestReport> report_from_json(const std::string& text);  // corrupt: no report

}  // namespace ride::test_runner
