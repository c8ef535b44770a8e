#include "test_runner/test_report.h"

#include "common/cause.h"
#include "common/json.h"
#include "common/wording.h"

namespace ride::test_runner {

const char* to_string(TestStatus status) {
  switch (status) {
    case TestStatus::ok:
      return "ok";
    case TestStatus::failed:
      return "failed";
    case TestStatus::skipped:
      return "skipped";
  }
  return "failed";
}

std::vector<std::string> bounded(std::vector<std::string> failures) {
  constexpr std::size_t kMost = 20, kLongest = 2000;
  const auto left_out = failures.size() > kMost ? failures.size() - kMost : 0;
  failures.resize(failures.size() - left_out);
  for (auto& failure : failures) {
    auto end = kLongest;
    while (end > 0 && end < failure.size() && (static_cast<unsigned char>(failure[end]) & 0xC0) == 0x80) --end;
    if (failure.size() > end) failure = failure.substr(0, end) + " …";  // at the end of a character
  }
  if (left_out > 0) failures.push_back(counted(left_out, "failure") + " more");
  return failures;
}

std::string report_to_json(const TestReport& report) {
  const nlohmann::json object = {{"status", to_string(report.status)},
                                 {"failures", report.failures},
                                 {"skipped_because", report.skipped_because},
                                 {"sheet", report.sheet},
                                 {"wrote", report.wrote},
                                 {"sha256", report.sha256}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<TestReport> report_from_json(const std::string& text) {
  try {
    const auto object = nlohmann::json::parse(text);
    TestReport report;
    const auto status = object.at("status").get<std::string>();
    for (const auto one : {TestStatus::ok, TestStatus::failed, TestStatus::skipped})
      if (status == to_string(one)) report.status = one;
    object.at("failures").get_to(report.failures);
    object.at("skipped_because").get_to(report.skipped_because);
    object.at("sheet").get_to(report.sheet);
    object.at("wrote").get_to(report.wrote);
    object.at("sha256").get_to(report.sha256);
    return report;
  } catch (const nlohmann::json::exception& failure) {
    return Error{ErrorCode::corrupt, std::string("the test's report cannot be read: ") + failure.what()};
  }
}

}  // namespace ride::test_runner
