#include "test_runner/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/file_text.h"
#include "process/service.h"
#include "process/whole_file.h"
#include "test_runner/run_test.h"

namespace ride::test_runner {
namespace {

constexpr const char* kDescription =
    "ride-test runs one test of a topology file and writes its report. `ride test FILE` starts it, once for each "
    "test,\n"
    "so that a task that crashes ends its own test alone.";

struct Flags {
  std::string file, test, folder, sheet, report;
  bool update = false;
};

void declare(CLI::App& app, Flags& flags) {
  app.add_option("FILE", flags.file, "Topology file (YAML)")->required();
  app.add_option("--test", flags.test, "Name of the test")->required();
  app.add_option("--folder", flags.folder, "Where relative paths of the test begin")->required();
  app.add_option("--sheet", flags.sheet, "File for the picture of a failure")->required();
  app.add_option("--report", flags.report, "File for the report (JSON)")->required();
  app.add_flag("--update", flags.update, "Write an expected picture that differs or is not there");
}

Result<void> run(const Flags& flags, const tasks::TaskRegistry& registry) {
  RIDE_ASSIGN(const auto text, read_named_file(flags.file));
  const auto environment = process_environment();
  const auto parsed = topology::parse_topology(text, flags.file, registry.catalog(), environment);
  if (!parsed.topology) return Error{ErrorCode::invalid_argument, topology::render(parsed.diagnostics, text)};
  const auto& tests = parsed.topology->tests();
  const auto test = std::find_if(tests.begin(), tests.end(), [&](const auto& one) { return one.name == flags.test; });
  if (test == tests.end())
    return Error{ErrorCode::invalid_argument, "the file has no test '" + flags.test + "'; 'ride test FILE' runs all"};
  const auto report =
      run_test(*parsed.topology, *test, {flags.folder, flags.sheet, flags.update}, registry, environment);
  return process::write_whole_file(flags.report, report_to_json(report));
}

}  // namespace

int run_program(int argc, char** argv, const tasks::TaskRegistry& registry) {
  Flags flags;
  return process::run_service(argc, argv,
                              {.name = "ride-test",
                               .description = kDescription,
                               .declare = [&](CLI::App& app) { declare(app, flags); },
                               .run = [&](process::Service&) { return run(flags, registry); }});
}

}  // namespace ride::test_runner
