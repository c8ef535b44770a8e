#include "cli/local/topology_tests.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "common/file_text.h"
#include "common/suggest.h"
#include "common/units.h"
#include "process/own_programs.h"
#include "process/run_to_end.h"
#include "process/temp_folder.h"
#include "process/whole_file.h"
#include "topology/edit_hashes.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

using std::chrono::steady_clock;
using test_runner::TestStatus;
using topology::TestCase;

Result<std::vector<TestCase>> chosen_tests(const TopologyFile& file, const std::vector<std::string>& only) {
  const auto& all = file.topology().tests();
  if (all.empty())
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} has no tests: add tests: (docs/topology-reference.md)", file.path)};
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const auto& test : all) names.push_back(test.name);
  for (const auto& name : only)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{} has no test '{}'{}", file.path, name, did_you_mean(name, names))};
  std::vector<TestCase> chosen;
  for (const auto& test : all)
    if (only.empty() || std::find(only.begin(), only.end(), test.name) != only.end()) chosen.push_back(test);
  return chosen;
}

// "finds-people": what every file system takes.
std::string file_name_of(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  return out.empty() ? "test" : out;
}

class TestProcesses {
 public:
  TestProcesses(const TopologyFile& file, const TestOptions& options, std::string program, fs::path temp)
      : file_(file), options_(options), program_(std::move(program)), temp_(std::move(temp)) {}

  Result<void> prepare() {
    std::error_code failed;
    folder_ = file_.path == "-" ? fs::current_path(failed) : fs::absolute(file_.path, failed).parent_path();
    copy_ = temp_ / "topology.yaml";
    return process::write_whole_file(copy_, file_.text);
  }

  Result<TestResult> run(const TestCase& test, const std::stop_token& stop) {
    const auto number = std::to_string(++count_);
    const fs::path report = temp_ / ("report-" + number), log = temp_ / ("log-" + number);
    const fs::path sheet = options_.out / sheet_name(test.name);
    std::error_code failed;
    fs::remove(sheet, failed);  // of an earlier failure
    std::vector<std::string> arguments = {program_,
                                          "test",
                                          copy_.string(),
                                          "--test=" + test.name,
                                          "--folder=" + folder_.string(),
                                          "--sheet=" + sheet.string(),
                                          "--report=" + report.string()};
    for (const auto& plugin : all_plugins(file_)) arguments.insert(arguments.end(), {"--plugin", plugin});
    if (options_.update) arguments.emplace_back("--update");
    const auto began = steady_clock::now();
    RIDE_ASSIGN(
        const auto ended,
        process::run_to_end({.name = "ride-test", .arguments = std::move(arguments), .log = log}, test.timeout, stop));
    TestResult result{.name = test.name};
    RIDE_ASSIGN(result.report, report_of(ended, test, report));
    result.seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
    return result;
  }

 private:
  // Two names may become one. The ending is its own: what lies there under that name is removed.
  std::string sheet_name(const std::string& name) {
    const auto base = file_name_of(name);
    auto sheet = base + ".failed.png";
    for (int other = 2; !sheets_.insert(sheet).second; ++other) sheet = fmt::format("{}-{}.failed.png", base, other);
    return sheet;
  }

  static Result<test_runner::TestReport> report_of(const process::EndedRun& ended, const TestCase& test,
                                                   const fs::path& report) {
    switch (ended.end) {
      case process::RunEnd::stopped:
        return Error{ErrorCode::cancelled, "interrupted"};
      case process::RunEnd::late:
        return test_runner::TestReport{
            .failures = {fmt::format("it took longer than {} and was ended (timeout: says how long it may take)",
                                     format_duration(test.timeout))}};
      case process::RunEnd::by_itself:
        break;
    }
    auto read = test_runner::report_from_json(file_text(report));
    if (ended.code == 0 && read.ok()) return read;
    return test_runner::TestReport{.failures = {ended.explained()}};
  }

  const TopologyFile& file_;
  const TestOptions& options_;
  const std::string program_;
  const fs::path temp_;
  fs::path folder_, copy_;
  int count_ = 0;
  std::set<std::string> sheets_;
};

// Put in place of the file that the path leads to: a link stays one. Refused, where somebody has changed it since it
// was read: what they wrote would be lost.
Result<void> replace_unchanged(const TopologyFile& file, const std::string& text) {
  RIDE_ASSIGN(const auto now, read_named_file(file.path));
  if (now != file.text)
    return Error{ErrorCode::already_exists,
                 fmt::format("{} was changed while its tests ran, and is left as it is: no hash was written. Run "
                             "ride test --update again",
                             file.path)};
  std::error_code failed;
  const auto target = fs::canonical(file.path, failed);
  return process::write_whole_file(failed ? fs::path(file.path) : target, text);
}

// The hashes of what came out, into the topology file.
Result<void> write_hashes(const TopologyFile& file, const std::vector<TestCase>& tests,
                          std::vector<TestResult>& results) {
  std::vector<topology::HashEdit> edits;
  std::vector<std::size_t> edited;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& expected = tests[i].expect;
    const auto& got = results[i].report.sha256;
    if (expected.sha256.empty() || got.empty() || got == expected.sha256) continue;
    edits.push_back({expected.sha256_place, expected.sha256, got});
    edited.push_back(i);
  }
  if (edits.empty()) return {};
  RIDE_ASSIGN(const auto text, topology::edit_hashes(file.text, std::move(edits)));
  RIDE_TRY(replace_unchanged(file, text));
  for (const auto i : edited) results[i].hash_written = true;
  return {};
}

Result<std::vector<TestResult>> run_all(const TopologyFile& file, const TestOptions& options, const fs::path& temp,
                                        const std::stop_token& stop,
                                        const std::function<void(const TestResult&)>& finished) {
  RIDE_ASSIGN(const auto tests, chosen_tests(file, options.only));
  const bool hashes =
      std::any_of(tests.begin(), tests.end(), [](const auto& test) { return !test.expect.sha256.empty(); });
  if (options.update && hashes && file.path == "-")
    return Error{ErrorCode::invalid_argument, "--update writes hashes into the file, and standard input is none"};
  RIDE_ASSIGN(auto program, process::find_program("ride-test"));
  TestProcesses processes(file, options, std::move(program), temp);
  RIDE_TRY(processes.prepare());
  std::vector<TestResult> results;
  Result<void> through;
  for (const auto& test : tests) {
    auto result = processes.run(test, stop);
    if (!result.ok()) {
      through = result.error();
      break;
    }
    results.push_back(std::move(*result));
    if (!options.update) finished(results.back());
  }
  if (options.update) {
    if (through.ok()) through = write_hashes(file, tests, results);
    for (const auto& result : results) finished(result);  // also where the rest failed: it names what was written
  }
  if (!through.ok()) return through.error();
  return results;
}

}  // namespace

Result<std::vector<TestResult>> run_topology_tests(const TopologyFile& file, const TestOptions& options,
                                                   const std::stop_token& stop,
                                                   const std::function<void(const TestResult&)>& finished) {
  RIDE_ASSIGN(const auto temp, process::make_temp_folder("ride-test"));
  auto results = run_all(file, options, temp, stop, finished);
  std::error_code ignored;
  fs::remove_all(temp, ignored);
  return results;
}

}  // namespace ride::cli
