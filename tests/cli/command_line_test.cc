// What every program answers to a command line that is wrong: what, what was meant, and where to read more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<std::string> kDaemons = {"ride-master", "ride-agent", "ride-worker", "ride-producer"};

class CommandLine : public ::testing::Test {
 protected:
  RideResult ride(const std::vector<std::string>& arguments) { return run_ride(arguments, {folder_.path(), {}}); }
  RideResult program(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), (std::filesystem::path(RIDE_PROGRAM).parent_path() / name).string());
    RideProcess process(arguments, {folder_.path(), {}}, false);
    return process.wait(std::chrono::seconds(120));
  }
  // Of a usage error: exit code, and the first line on standard error.
  static void expect_message(const RideResult& result, const std::string& line) {
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_THAT(result.err, StartsWith(line + "\n"));
    EXPECT_THAT(result.err, HasSubstr("--help' shows more"));
    EXPECT_THAT(result.err, Not(HasSubstr("not expected")));
  }
  TempFolder folder_{"command-line"};
};

TEST_F(CommandLine, AnUnknownOptionIsNamedWithTheOneThatWasMeant) {
  const auto result = ride({"run", "x.yaml", "--slot", "3"});
  expect_message(result, "ride: unknown option --slot; did you mean --slots?");
  EXPECT_THAT(result.err, HasSubstr("\nUsage: ride run [OPTIONS] FILE\n'ride run --help' shows more\n"));
  expect_message(ride({"run", "--slot=3", "x.yaml"}), "ride: unknown option --slot; did you mean --slots?");
  expect_message(ride({"list", "--nonsense"}), "ride: unknown option --nonsense");
  expect_message(ride({"run", "--kep"}), "ride: unknown option --kep; did you mean --keep?");  // not: FILE is missing
  expect_message(ride({"dead", "list", "--jsn"}), "ride: unknown option --jsn; did you mean --json?");
}

TEST_F(CommandLine, AValueThatDoesNotFitIsToldWithWhatDoes) {
  expect_message(ride({"run", "x.yaml", "--slots", "many"}),
                 R"(ride: --slots wants a whole number from 0 to 1024, not "many")");
  expect_message(ride({"up", "x.yaml", "--slots", "-1"}),
                 R"(ride: --slots wants a whole number from 0 to 1024, not "-1")");
  expect_message(ride({"logs", "--last", "x"}), R"(ride: --last wants a whole number from 0, not "x")");
  expect_message(ride({"top", "--interval", "0"}), R"(ride: --interval wants a number from 0.1 to 3600, not "0")");
  expect_message(ride({"logs", "--severity", "bad"}), R"(ride: --severity wants info, warning or error, not "bad")");
  expect_message(ride({"chaos", "x", "--plan", "p", "--seed", "abc"}),
                 R"(ride: --seed wants a whole number, not "abc")");
}

TEST_F(CommandLine, WhatIsMissingOrTooMuchIsNamed) {
  expect_message(ride({"run"}), "ride: FILE is missing: Topology file (YAML)");
  expect_message(ride({"run", "a", "b"}), "ride: 'b' is one argument too many");
  expect_message(ride({"run", "a", "--slots"}), "ride: --slots needs a whole number from 0 to 1024");
  expect_message(ride({"ledger", "a", "--for", "1s", "--for", "2s"}),
                 "ride: --for is given 2 times; it takes one value");
}

TEST_F(CommandLine, AnUnknownCommandWithinACommandIsAnsweredWithTheOneThatWasMeant) {
  expect_message(ride({"dead", "lst"}), "ride: 'ride dead' has no command 'lst'; did you mean 'list'?");
  expect_message(ride({"dead"}), "ride: 'ride dead' needs a command: list, show, replay");
}

TEST_F(CommandLine, HelpNamesRangesInPlainWords) {
  for (const char* command : {"logs", "top", "tap", "up", "run"}) {
    const auto help = ride({command, "--help"}).out;
    EXPECT_THAT(help, Not(AnyOf(HasSubstr(" INT"), HasSubstr("FLOAT"), HasSubstr(" in ["), HasSubstr("1000000000"))))
        << command;
  }
  EXPECT_THAT(ride({"run", "--help"}).out, AllOf(HasSubstr("--slots N "), HasSubstr("(from 0 to 1024; default 0)")));
  EXPECT_THAT(ride({"logs", "--help"}).out, HasSubstr("(info, warning or error; default info)"));
}

TEST_F(CommandLine, EveryDaemonAnswersInTheSameWay) {
  for (const auto& name : kDaemons) {
    expect_message(program(name, {"--prefx", "x"}), name + ": unknown option --prefx; did you mean --prefix?");
    expect_message(program(name, {"foo"}), name + ": 'foo' is one argument too many");
    const auto help = program(name, {"--help"});
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_THAT(help.out, Not(HasSubstr(" INT"))) << name;
    EXPECT_EQ(program(name, {"--version"}).code, 0) << name;
  }
  expect_message(program("ride-agent", {"--slots", "many"}),
                 R"(ride-agent: --slots wants a whole number from 0 to 1024, not "many")");
  expect_message(program("ride-agent", {"--slots"}), "ride-agent: --slots needs a whole number from 0 to 1024");
  const auto memory = program("ride-agent", {"--worker-memory", "lots"});
  EXPECT_EQ(memory.code, 2);
  EXPECT_THAT(memory.err, StartsWith("ride-agent: --worker-memory: "));
}

}  // namespace
}  // namespace ride::test
