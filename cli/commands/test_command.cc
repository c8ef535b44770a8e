// ride test: runs the tests that stand in a topology file; no broker, no cluster.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/local/topology_tests.h"
#include "cli/terminal.h"
#include "plugin/plugin_flag.h"

namespace ride::cli {
namespace {

struct TestFlags {
  std::string file, out = "out/tests";
  std::vector<std::string> only, plugins;
  bool update = false, strict = false, json = false;
};

ExitCode test(const TestFlags& flags) {
  Interrupt interrupt;
  const auto checked = checked_topology(flags.file, flags.plugins, interrupt.token());
  if (!checked.file) return checked.failure;
  const auto style = stdout_terminal().style;
  const auto results = run_topology_tests(*checked.file, {flags.only, flags.out, flags.update}, interrupt.token(),
                                          [&](const TestResult& result) {
                                            if (!flags.json) print(test_text(result, style));
                                          });
  if (!results.ok())
    return interrupt.requested() ? (fail(results.error()), interrupt.exit_code()) : fail(results.error());
  const auto counts = count_tests(*results);
  print(flags.json ? tests_json(checked.file->topology().name(), *results) : tests_sum_text(counts));
  const bool good = counts.failed == 0 && (counts.skipped == 0 || !flags.strict);
  return good ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_test_command(Program& program) {
  auto flags = std::make_shared<TestFlags>();
  auto& command = program.add(
      "Topology files", "test",
      "Run the tests of a topology file: known pictures through its stages, without a cluster",
      "  ride test street.yaml                      exit code 0: all that were run are ok; 1: one failed\n"
      "  ride test street.yaml --only 'finds people'\n"
      "  ride test street.yaml --update             writes expected pictures and hashes that differ; says which\n"
      "  ride test street.yaml --strict             a test that this machine cannot run fails\n"
      "  ride test street.yaml --json | jq .failed",
      [flags] { return test(*flags); });
  command.add_option("FILE", flags->file, "Topology file (YAML); - is standard input")->required();
  command.add_option("--only", flags->only, "Run the test of this name alone; repeatable")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--out", flags->out, "Folder for the pictures of failed tests")->capture_default_str();
  command.add_flag("--update", flags->update, "Write what comes out as what is expected: pictures and hashes");
  command.add_flag("--strict", flags->strict, "Fail where a test is skipped");
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks stages may name");
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
