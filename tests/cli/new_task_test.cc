// `ride new task` as a person uses it: the folder, and the printed commands, typed as they are printed.
#include "cli/core/new_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "process/proc.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class NewTask : public ::testing::Test {
 protected:
  RideResult make(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"new", "task"});
    return run_ride(arguments, {folder_.path(), {}});
  }
  // In one shell, where `ride` is on the PATH, and Debian's Python, which has numpy.
  RideResult type(const std::string& script) {
    std::ofstream(folder_ / "typed.sh") << "set -euo pipefail\n" << script;
    const auto path = fs::path(RIDE_PROGRAM).parent_path().string() + ":/usr/bin:/bin:" + std::getenv("PATH");
    RideProcess shell({"/bin/bash", "typed.sh"}, {folder_.path(), {{"PATH", path}}}, false);
    return shell.wait(seconds(300));
  }
  // The commands below "Next:", without the last `left_out` ones.
  static std::string printed_commands(const std::string& out, int left_out) {
    std::istringstream lines(out.substr(out.find("\nNext:\n") + 7));
    std::vector<std::string> commands;
    for (std::string line; std::getline(lines, line) && line.starts_with("  ");) commands.push_back(line.substr(2));
    std::string script;
    for (std::size_t i = 0; i + static_cast<std::size_t>(left_out) < commands.size(); ++i) script += commands[i] + "\n";
    return script;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (const auto name = entry.path().filename().string(); !name.starts_with(".out-") && !name.starts_with(".err-"))
        found.push_back(name);
    return found;
  }

  TempFolder folder_{"new"};
};

TEST_F(NewTask, APythonTaskIsTriedAndTestedByThePrintedCommands) {
  const auto made = make({"bright_spots", "--lang", "python"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(text_of(folder_ / "bright_spots/bright_spots.py"), HasSubstr("class BrightSpotsTask:"));
  const auto script = printed_commands(made.out, 1);
  EXPECT_THAT(script, AllOf(HasSubstr("ride try"), HasSubstr("ride test topology.yaml")));
  EXPECT_THAT(text_of(folder_ / "bright_spots/README.md"), HasSubstr("ride test topology.yaml"));
  const auto typed = type(script);
  EXPECT_EQ(typed.code, 0) << typed.out << typed.err;
  EXPECT_THAT(typed.out, AllOf(HasSubstr("saved as out.png"), HasSubstr("bright: "), HasSubstr("2 tests: 2 ok")));
}

TEST_F(NewTask, ACppTaskIsBuiltTriedAndTestedByThePrintedCommands) {
  fs::create_directory(folder_ / "it's here");
  const auto made = make({"bright_spots", "--lang", "cpp", "--in", "it's here"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto script = printed_commands(made.out, 1);
  EXPECT_THAT(text_of(folder_ / "it's here/bright_spots/README.md"), HasSubstr("cmake -B build -DCMAKE_PREFIX_PATH=/"));
  const auto typed = type(script);
  EXPECT_EQ(typed.code, 0) << typed.out << typed.err;
  EXPECT_THAT(typed.out, AllOf(HasSubstr("saved as out.png"), HasSubstr("2 tests: 2 ok")));
}

TEST_F(NewTask, TheirTopologiesRun) {
  ASSERT_EQ(make({"one", "--lang", "python"}).code, 0);
  const auto run =
      type("cd one\nsed -i 's/height: 240 }/height: 240, frames: 5 }/' topology.yaml\nride run topology.yaml\n");
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_TRUE(fs::exists(folder_ / "one/out/1/00004.jpg")) << run.out << run.err;
  EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(60)));
}

TEST_F(NewTask, EachNameThatIsAllowedMakesAValidTopologyAndClass) {
  for (const std::string& name : std::vector<std::string>{"none", "class", "a__1_", std::string(64, 'x')}) {
    ASSERT_EQ(make({name, "--lang", "python"}).code, 0) << name;
    const auto tested = type("cd " + name + " && ride test topology.yaml");
    EXPECT_EQ(tested.code, 0) << name << tested.out << tested.err;
  }
}

TEST_F(NewTask, WhatIsThereIsLeftAsItIsAndNothingIsHalfWritten) {
  fs::create_directory(folder_ / "there");
  std::ofstream(folder_ / "file") << "mine";
  fs::create_symlink("nowhere", folder_ / "link");
  for (const char* name : {"there", "file", "link"}) {
    const auto refused = make({name, "--lang", "python"});
    EXPECT_EQ(refused.code, 1) << name;
    EXPECT_THAT(refused.err, AllOf(HasSubstr(name), HasSubstr("is there already"), HasSubstr("another name"))) << name;
  }
  const auto nowhere = make({"fine", "--lang", "cpp", "--in", "no/such"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("cannot make the folder no/such/fine: No such file or directory"));
  for (const auto& [name, why] : std::map<std::string, std::string>{{"Big", "is no name: a small letter"},
                                                                    {"../up", "is no name"},
                                                                    {"", "is no name"},
                                                                    {std::string(65, 'x'), "64 at the most"},
                                                                    {"canny", "RIDE has a task 'canny' already"},
                                                                    {"test", "CMake keeps the name 'test'"}}) {
    const auto refused = make({name, "--lang", "cpp"});
    EXPECT_EQ(refused.code, 2) << name;
    EXPECT_THAT(refused.err, HasSubstr(why)) << name;
  }
  EXPECT_EQ(make({"fine", "--lang", "rust"}).code, 2);
  EXPECT_EQ(make({"fine"}).code, 2) << "a language is needed";
  EXPECT_THAT(names(), UnorderedElementsAre("there", "file", "link"));
  EXPECT_TRUE(fs::is_empty(folder_ / "there"));
  EXPECT_EQ(text_of(folder_ / "file"), "mine");
}

TEST_F(NewTask, TheFolderIsReadableAsAnyOther) {
  const mode_t before = umask(022);
  ASSERT_EQ(make({"mine", "--lang", "python"}).code, 0);
  umask(before);
  struct stat about {};
  ASSERT_EQ(stat((folder_ / "mine").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0755U);
}

TEST(NewTaskWords, AreWhatShellsAndLanguagesTake) {
  EXPECT_EQ(cli::class_name_of("bright_spots"), "BrightSpotsTask");
  EXPECT_EQ(cli::class_name_of("a__1_"), "A1Task");
  EXPECT_EQ(cli::shell_word("/opt/ride-1.0"), "/opt/ride-1.0");
  EXPECT_EQ(cli::shell_word("it's here"), "'it'\\''s here'");
  EXPECT_EQ(cli::shell_word(""), "''");
}

}  // namespace
}  // namespace ride::test
