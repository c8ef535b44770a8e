// Files that are no plug-ins of this RIDE, and plug-ins with something wrong in them: what each is answered with, here
// and by a child.
#include "plugin/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "plugin/plugin_tasks.h"
#include "tests/support/temp_folder.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string file_of(const std::string& name) { return std::string(RIDE_PLUGINS) + "/" + name + ".so"; }

constexpr std::chrono::hours kForEver{1};

std::string opening(const std::string& file) {
  const auto opened = Library::open(file);
  return opened.ok() ? "it was opened" : opened.error().message;
}

Result<std::vector<TaskDecl>> described(const std::string& file,
                                        std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  return describe(file, {.worker = RIDE_WORKER, .limit = limit});
}
std::string describing(const std::string& file, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  const auto tasks = described(file, limit);
  return tasks.ok() ? "it was described" : tasks.error().message;
}

TEST(PluginLibrary, AFileThatIsNoPluginIsNamedWithWhatItIs) {
  test::TempFolder folder("plugin");
  const auto text = (folder / "text.so").string(), cut = (folder / "cut.so").string(),
             head = (folder / "head.so").string();
  std::ofstream(text) << "#!/bin/sh\necho hello\n";
  std::ofstream(folder / "empty.so") << "";
  fs::copy_file(file_of("wrapped"), cut);
  fs::resize_file(cut, fs::file_size(cut) / 2);
  fs::copy_file(file_of("wrapped"), head);
  fs::resize_file(head, 64);
  EXPECT_THAT(opening((folder / "none.so").string()), AllOf(HasSubstr("none.so: cannot be opened: No such file")));
  EXPECT_THAT(opening(folder.path().string()), HasSubstr("is a folder"));
  EXPECT_THAT(opening("/dev/null"), HasSubstr("is no regular file"));
  EXPECT_THAT(opening(text), HasSubstr("text.so: is no shared library (ELF)"));
  EXPECT_THAT(opening((folder / "empty.so").string()), HasSubstr("is no shared library (ELF)"));
  EXPECT_THAT(opening(cut), HasSubstr("is cut off or damaged"));
  EXPECT_THAT(opening(head), HasSubstr("is cut off or damaged"));
  EXPECT_THAT(describing(cut), HasSubstr("is cut off or damaged"));
}

TEST(PluginLibrary, AProgramIsNoPlugin) { EXPECT_THAT(opening(RIDE_WORKER), Not(HasSubstr("opened"))); }

TEST(PluginLibrary, WhatIsWrongWithItsTableIsSaid) {
  EXPECT_THAT(opening(file_of("fault_no_symbol")), HasSubstr("no plug-in of RIDE: it has no function ride_plugin()"));
  EXPECT_THAT(opening(file_of("fault_other_version")),
              AllOf(HasSubstr("fault_other_version.so: was built for version 77"), HasSubstr("has version 1"),
                    HasSubstr("Build it anew")));
  EXPECT_THAT(opening(file_of("fault_no_json")), HasSubstr("is no JSON"));
  EXPECT_THAT(opening(file_of("fault_throw")), HasSubstr("an exception left the plug-in in ride_plugin"));
  EXPECT_THAT(opening(file_of("fault_throw")), HasSubstr("no mood for it"));
  EXPECT_THAT(opening(file_of("fault_null_table")), HasSubstr("null pointer"));
  EXPECT_THAT(opening(file_of("fault_no_functions")), HasSubstr("its task 1 lacks one of the functions"));
  EXPECT_THAT(opening(file_of("fault_too_many_tasks")), HasSubstr("has 1073741824 tasks; 1 to 256"));
  EXPECT_THAT(opening(file_of("fault_small_table")), HasSubstr("its table has 16 bytes"));
}

TEST(PluginLibrary, AChildAnswersTheSame) {
  for (const char* name : {"fault_no_symbol", "fault_other_version", "fault_no_json", "fault_throw"})
    EXPECT_EQ(describing(file_of(name)), opening(file_of(name)));
}

TEST(PluginLibrary, ACrashAtLoadingEndsTheChildAlone) {
  EXPECT_THAT(describing(file_of("fault_crash")),
              AllOf(HasSubstr("fault_crash.so: loading it failed: it crashed with signal 11 (Segmentation fault)"),
                    HasSubstr("gdb --args ride-worker --describe-plugin")));
}

TEST(PluginLibrary, AnEndAtLoadingIsSaidWithItsLastWords) {
  EXPECT_THAT(describing(file_of("fault_exit")),
              AllOf(HasSubstr("it ended with code 7"), HasSubstr("no licence was found")));
}

TEST(PluginLibrary, AHangAtLoadingIsEnded) {
  const auto tasks = described(file_of("fault_hang"), std::chrono::seconds(3));
  ASSERT_FALSE(tasks.ok());
  EXPECT_THAT(tasks.error().message, HasSubstr("takes longer than 3 s"));
  EXPECT_EQ(tasks.error().code, ErrorCode::internal) << "a timeout would be the master's, or Kafka's";
}

TEST(PluginLibrary, AHangAtLoadingIsEndedWhenWeAreAskedToStop) {
  std::stop_source stop;
  const std::jthread asks([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop.request_stop();
  });
  const auto tasks =
      describe(file_of("fault_hang"), {.worker = RIDE_WORKER, .limit = kForEver, .stop = stop.get_token()});
  ASSERT_FALSE(tasks.ok());
  EXPECT_EQ(tasks.error().code, ErrorCode::cancelled);
}

TEST(PluginLibrary, NoiseAtLoadingIsNoAnswer) {
  const auto tasks = described(file_of("fault_noise"));
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 1U);
  EXPECT_EQ(tasks->front().name, "loud");
}

TEST(PluginLibrary, ANameThatIsTakenIsRefused) {
  const auto clash =
      HasSubstr("fault_builtin_name.so: the name 'gaussian_blur' is that of a task that is built into RIDE");
  const auto loaded = with_plugins(tasks::builtin_tasks(), {file_of("fault_builtin_name")});
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, clash);
  const auto catalog = catalog_with(tasks::builtin_catalog(), {file_of("fault_builtin_name")}, {.worker = RIDE_WORKER});
  ASSERT_FALSE(catalog.ok());
  EXPECT_THAT(catalog.error().message, clash);
}

TEST(PluginLibrary, TwoPluginsOfOneTaskAreRefusedAndOneThatIsNamedTwiceIsNot) {
  test::TempFolder folder("plugin");
  const auto copy = (folder / "copy.so").string();
  fs::copy_file(file_of("wrapped"), copy);
  const auto both = with_plugins(tasks::builtin_tasks(), {file_of("wrapped"), copy});
  ASSERT_FALSE(both.ok());
  EXPECT_THAT(both.error().message, AllOf(HasSubstr("copy.so: the name 'wrapped' is that of a task of the plug-in"),
                                          HasSubstr("wrapped.so")));
  const auto twice = with_plugins(tasks::builtin_tasks(), {file_of("wrapped"), file_of("wrapped")});
  ASSERT_TRUE(twice.ok()) << twice.error().message;
  EXPECT_NE(twice->find("count_at_end"), nullptr);
  EXPECT_NE(twice->find("gaussian_blur"), nullptr);
}

// A file is the one that its name leads to, whatever the name looks like.
TEST(PluginLibrary, LinksLeadWhereTheyLead) {
  test::TempFolder folder("plugin");
  fs::create_directories(folder / "here/inner");
  fs::create_directories(folder / "there");
  fs::copy_file(file_of("wrapped"), folder / "here/v.so");
  fs::copy_file(file_of("contract_fault"), folder / "v.so");
  fs::create_symlink(folder / "here/inner", folder / "link");
  fs::create_symlink("v.so", folder / "here/alias.so");
  const auto through = (folder / "link/../v.so").string(), straight = (folder / "here/v.so").string();
  const auto files =
      different_files({through, straight, (folder / "here/alias.so").string(), (folder / "v.so").string()});
  EXPECT_THAT(files, ::testing::ElementsAre(through, (folder / "v.so").string()));
  const auto tasks = with_plugins(tasks::builtin_tasks(), {through});
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  EXPECT_NE(tasks->find("wrapped"), nullptr);
}

TEST(PluginLibrary, AFileMayHaveAnyName) {
  test::TempFolder folder("plugin");
  const auto odd = (folder / "a\xff\n:b.so").string(), broken = (folder / "c\xff.so").string();
  fs::copy_file(file_of("wrapped"), odd);
  fs::copy_file(file_of("fault_other_version"), broken);
  EXPECT_EQ(describing(odd), "it was described");
  EXPECT_THAT(describing(broken), HasSubstr("was built for version 77"));
}

TEST(PluginFlag, OnlyTheVariableIsSplit) {
  EXPECT_THAT(files_in_variable("/a/x.so:/b/y.so"), ::testing::ElementsAre("/a/x.so", "/b/y.so"));
  EXPECT_THAT(files_in_variable(":a.so::"), ::testing::ElementsAre("a.so"));
  EXPECT_THAT(files_in_variable(""), ::testing::IsEmpty());
  ::setenv("RIDE_PLUGIN", "/a/x.so:/b/y.so", 1);
  const auto given = [](std::vector<std::string> arguments) {
    CLI::App app;
    std::vector<std::string> files;
    declare_plugin_flag(app, files, "that are tried");
    app.parse(arguments);
    return files;
  };
  EXPECT_THAT(given({}), ::testing::ElementsAre("/a/x.so", "/b/y.so"));
  EXPECT_THAT(given({"/c:d/z.so", "--plugin"}), ::testing::ElementsAre("/c:d/z.so"));
  EXPECT_THAT(given({"2.so", "--plugin", "1:.so", "--plugin"}), ::testing::ElementsAre("1:.so", "2.so"));
  ::unsetenv("RIDE_PLUGIN");
}

TEST(PluginLibrary, TheSdkSaysOfWhichVersionItIs) {
  const auto opened = Library::open(file_of("wrapped"));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->built_with, RIDE_VERSION_TEXT);
}

TEST(PluginDescription, WhatIsNoneIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"tasks": []})", R"({"tasks": 7})", R"({"error": 7})"}) {
    const auto parsed = parse_description(text, "x.so");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("plug-in x.so: ride-worker describes it in a way")) << text;
  }
  const auto refused = parse_description(refusal_to_json({ErrorCode::corrupt, "it is \x1b[2J broken"}), "x.so");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "it is \\x1b[2J broken");
}

}  // namespace
}  // namespace ride::plugin
