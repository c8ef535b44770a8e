// Every flag that a message or a page advises exists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using Flags = std::set<std::string>;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files_below(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ending) files.push_back(entry.path());
  return files;
}

Flags flags_in(const std::string& text) {
  static const std::regex kFlag("(^|[^A-Za-z0-9-])(--[a-z][a-z-]*[a-z])");
  Flags flags;
  for (std::sregex_iterator at(text.begin(), text.end(), kFlag), end; at != end; ++at) flags.insert((*at)[2].str());
  return flags;
}

std::string strings_of(const std::string& source) {
  static const std::regex kString(R"re("((?:[^"\\\n]|\\.)*)")re");
  std::string strings;
  for (std::sregex_iterator at(source.begin(), source.end(), kString), end; at != end; ++at)
    strings += (*at)[1].str() + "\n";
  return strings;
}

class Advice : public ::testing::Test {
 protected:
  const Flags& flags_of(const std::string& command) {
    auto [known, fresh] = known_.try_emplace(command);
    if (fresh) {
      const auto text = help({command});
      known->second = flags_in(text);
      if (text.find("SUBCOMMAND") != std::string::npos)
        for (const auto& one : names_in(text)) known->second.merge(flags_in(help({command, one})));
      known->second.insert("--help");
    }
    return known->second;
  }
  std::set<std::string> commands() { return names_in(help({})); }

  // Without its examples: those are looked at, not believed.
  std::string help(std::vector<std::string> command) {
    command.emplace_back("--help");
    const auto shown = run_ride(command, {folder_.path(), {}});
    EXPECT_EQ(shown.code, 0) << command.front();
    return shown.out.substr(0, shown.out.find("Examples:"));
  }
  // The commands that a help lists.
  static std::set<std::string> names_in(const std::string& help) {
    static const std::regex kName("\n  ([a-z]+) {2,}");
    std::set<std::string> names;
    for (std::sregex_iterator at(help.begin(), help.end(), kName), end; at != end; ++at) names.insert((*at)[1].str());
    names.erase("ride");
    return names;
  }

  const fs::path source_ = RIDE_SOURCE;
  TempFolder folder_{"advice"};
  std::map<std::string, Flags> known_;
};

TEST_F(Advice, EveryFlagInAMessageExists) {
  Flags known = {"--version", "--config",
                 "--user",  // --user-ROLE
                            // Of Kafka's own programs, of curl and of CMake, which messages name, too.
                 "--build", "--component", "--install", "--alter", "--add-config", "--add-scram", "--cluster-id",
                 "--data-binary", "--entity-type", "--entity-name"};
  for (const auto& command : commands()) known.merge(Flags(flags_of(command)));
  ASSERT_TRUE(known.contains("--slots"));
  // Other programs' flags, where they are declared.
  for (const char* folder : {"agent", "master", "worker", "producer", "test_runner", "stream/kafka"})
    for (const auto& file : files_below(source_ / folder, ".cc")) {
      const std::string text = text_of(file);
      static const std::regex kDeclared(R"re(add_(?:option|flag)(?:_function<[^>]*>)?\(\s*"([^"]+)")re");
      for (std::sregex_iterator at(text.begin(), text.end(), kDeclared), end; at != end; ++at)
        known.merge(flags_in((*at)[1].str()));
    }
  for (const char* folder : {"cli", "broker-config", "master", "agent"})
    for (const auto& file : files_below(source_ / folder, ".cc"))
      for (const auto& flag : flags_in(strings_of(text_of(file))))
        EXPECT_TRUE(known.contains(flag)) << file << " names " << flag << ", which no program has";
}

// "ride up street.yaml --fresh": the command has that flag.
TEST_F(Advice, EveryCommandThatAPageShowsHasItsFlags) {
  static const std::regex kCall("(?:^|[`\n '\"(])ride ([a-z]+)((?: [^ `\n'\"|;&()]+)*)");
  const auto all = commands();
  std::vector<fs::path> pages = files_below(source_ / "docs", ".md");
  pages.push_back(source_ / "README.md");
  for (const auto& file : files_below(source_ / "cli", ".cc")) pages.push_back(file);
  int calls = 0;
  for (const auto& page : pages) {
    if (page.parent_path().filename() == "decisions") continue;  // of their time
    const std::string text = text_of(page);
    for (std::sregex_iterator at(text.begin(), text.end(), kCall), end; at != end; ++at) {
      const std::string command = (*at)[1];
      if (!all.contains(command)) continue;
      for (const auto& flag : flags_in((*at)[2].str())) {
        ++calls;
        EXPECT_TRUE(flags_of(command).contains(flag)) << page << ": ride " << command << " has no " << flag;
      }
    }
  }
  EXPECT_GT(calls, 40) << "the pattern finds no calls any more";
}

}  // namespace
}  // namespace ride::test
