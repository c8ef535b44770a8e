#include "cli/core/test_view.h"

#include <spdlog/fmt/fmt.h>

#include "common/json.h"
#include "common/text.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

using test_runner::TestStatus;

constexpr std::size_t kNameColumns = 48;
constexpr const char* kTestIndent = "         ";

Tone tone_of(TestStatus status) {
  switch (status) {
    case TestStatus::ok:
      return Tone::good;
    case TestStatus::failed:
      return Tone::bad;
    case TestStatus::skipped:
      return Tone::warning;
  }
  return Tone::plain;
}

}  // namespace

TestCounts count_tests(const std::vector<TestResult>& results) {
  TestCounts counts;
  for (const auto& result : results) {
    switch (result.report.status) {
      case TestStatus::ok:
        ++counts.ok;
        break;
      case TestStatus::failed:
        ++counts.failed;
        break;
      case TestStatus::skipped:
        ++counts.skipped;
        break;
    }
  }
  return counts;
}

std::string test_text(const TestResult& result, const Style& style) {
  const auto& report = result.report;
  const std::string word = report.status == TestStatus::failed ? "FAILED" : to_string(report.status);
  const std::size_t width = display_width(result.name);
  std::string text = style.paint(word, tone_of(report.status)) + std::string(9 - word.size(), ' ') + result.name;
  if (report.status == TestStatus::skipped) {
    text += "\n" + std::string(kTestIndent) + report.skipped_because + "\n";
  } else {
    text +=
        std::string(width < kNameColumns ? kNameColumns - width : 1, ' ') + fmt::format("{:.2f} s\n", result.seconds);
  }
  for (const auto& failure : report.failures) text += kTestIndent + one_line(failure) + "\n";
  if (!report.wrote.empty()) text += kTestIndent + ("wrote " + report.wrote) + "\n";
  if (result.hash_written) text += kTestIndent + ("wrote sha256: " + report.sha256) + "\n";
  if (!report.sheet.empty()) text += kTestIndent + ("picture: " + report.sheet) + "\n";
  return text;
}

std::string tests_sum_text(const TestCounts& counts) {
  std::string text = counted(counts.ok + counts.failed + counts.skipped, "test") + ": ";
  text += fmt::format("{} ok", counts.ok);
  if (counts.failed > 0) text += fmt::format(", {} failed", counts.failed);
  if (counts.skipped > 0) text += fmt::format(", {} skipped", counts.skipped);
  return text + "\n";
}

std::string tests_json(const std::string& job, const std::vector<TestResult>& results) {
  const TestCounts counts = count_tests(results);
  nlohmann::json tests = nlohmann::json::array();
  for (const auto& result : results) {
    const auto& report = result.report;
    nlohmann::json one = {{"name", result.name},
                          {"status", to_string(report.status)},
                          {"seconds", result.seconds},
                          {"failures", report.failures}};
    one["skipped_because"] = report.skipped_because.empty() ? nlohmann::json() : nlohmann::json(report.skipped_because);
    one["picture"] = report.sheet.empty() ? nlohmann::json() : nlohmann::json(report.sheet);
    one["sha256"] = report.sha256.empty() ? nlohmann::json() : nlohmann::json(report.sha256);
    one["wrote"] = nlohmann::json::array();
    if (!report.wrote.empty()) one["wrote"].push_back(report.wrote);
    if (result.hash_written) one["wrote"].push_back("sha256: " + report.sha256);
    tests.push_back(std::move(one));
  }
  const nlohmann::json all = {
      {"job", job}, {"tests", tests}, {"ok", counts.ok}, {"failed", counts.failed}, {"skipped", counts.skipped}};
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace ride::cli
