#include "cli/local/task_try.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <sstream>

#include "common/file_text.h"
#include "common/json.h"
#include "common/text.h"
#include "common/units.h"
#include "plugin/describe.h"
#include "process/own_programs.h"
#include "process/run_to_end.h"

namespace ride::cli {
namespace {

constexpr std::size_t kMostPrinted = 100;
constexpr std::string_view kMark = "stage try: ";  // before what a Python script prints

// "2026-11-30T17:00:00.000Z info ride-test ...": one that is ours.
bool is_log_line(const std::string& line) {
  return line.size() > 20 && line.compare(4, 1, "-") == 0 && line.compare(10, 1, "T") == 0 &&
         std::all_of(line.begin(), line.begin() + 4, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::string> printed_in(const std::string& log) {
  std::vector<std::string> printed;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line) && printed.size() < kMostPrinted;) {
    const auto mark = line.find(kMark);
    if (!is_log_line(line)) {
      printed.push_back(one_line(line));
    } else if (mark != std::string::npos) {
      printed.push_back(one_line(line.substr(mark + kMark.size())));
    }
  }
  return printed;
}

Result<test_runner::TryReport> run_try(const TryOrder& order, const std::filesystem::path& temp,
                                       const std::stop_token& stop) {
  RIDE_ASSIGN(auto program, process::find_program("ride-test"));
  const auto report = temp / "report", log = temp / "log";
  std::error_code ignored;
  for (const auto& old : {report, log}) std::filesystem::remove(old, ignored);
  std::vector<std::string> arguments = {std::move(program), "try", order.task,
                                        "--params=" + params_to_json(order.params).dump(),
                                        "--report=" + report.string()};
  for (const auto& [flag, value] :
       {std::pair{"--on=", &order.picture}, {"--save=", &order.save}, {"--show=", &order.show}})
    if (!value->empty()) arguments.push_back(flag + *value);
  for (const auto& plugin : plugin::different_files(order.plugins))
    arguments.insert(arguments.end(), {"--plugin", plugin});
  RIDE_ASSIGN(
      const auto ended,
      process::run_to_end({.name = "ride-test", .arguments = std::move(arguments), .log = log}, order.limit, stop));
  if (ended.end == process::RunEnd::late)
    return test_runner::TryReport{
        .error = fmt::format("task '{}': it is not through after {}", order.task, format_duration(*order.limit))};
  if (ended.end != process::RunEnd::by_itself) return Error{ErrorCode::cancelled, "interrupted"};
  auto read = test_runner::try_from_json(file_text(report));
  if (ended.code != 0 || !read.ok())
    read = test_runner::TryReport{.error = fmt::format("task '{}': {}", order.task, ended.explained())};
  else
    read->printed = printed_in(file_text(log));
  return read;
}

}  // namespace ride::cli
