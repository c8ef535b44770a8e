// References in code and pages: a decision that is named has its page, a function that a "life of" page names is in its
// file, and nothing refers to a document outside of the repository.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/docs/text_file.h"

namespace ride {
namespace {

// Number -> the pages that bear it.
std::map<std::string, std::vector<TextFile>> decisions() {
  std::map<std::string, std::vector<TextFile>> pages;
  for (const auto& file : text_files()) {
    const auto name = file.path.filename().string();
    if (file.path.parent_path() == "docs/decisions" && file.is_page() && name != "README.md")
      pages[name.substr(0, 4)].push_back(file);
  }
  return pages;
}

TEST(Decisions, EachHasANumberOfItsOwnThatItsHeadingRepeats) {
  for (const auto& [number, pages] : decisions()) {
    EXPECT_EQ(pages.size(), 1U) << "docs/decisions: " << pages.back().path.string()
                                << " has the number of another page";
    for (const auto& page : pages) {
      ASSERT_FALSE(page.lines.empty()) << page.path.string();
      EXPECT_TRUE(page.lines[0].starts_with("# " + std::to_string(std::stoi(number)) + ". "))
          << page.at(0) << ": heading";
      const auto text = page.text();
      for (const auto* part : {"**Context.**", "**Decision.**", "**Price"})
        EXPECT_NE(text.find(part), std::string::npos) << page.path.string() << ": no paragraph " << part;
      const bool shown = text.find("**Measured") != text.npos || text.find("**What shows it.**") != text.npos;
      EXPECT_TRUE(shown) << page.path.string() << ": neither **Measured.** nor **What shows it.**";
    }
  }
}

// A comment may break between "decision" and its number: then the next line's first word belongs to it.
std::string with_number(const TextFile& file, std::size_t line) {
  const auto& text = file.lines[line];
  if (line + 1 == file.lines.size() || !(text.ends_with("decision") || text.ends_with("decisions"))) return text;
  const auto& next = file.lines[line + 1];
  const auto word = next.find_first_not_of(" /#*>");
  return word == next.npos ? text : text + " " + next.substr(word);
}

TEST(Decisions, WhatIsNamedHasAPage) {
  const std::regex named(R"(\b[Dd]ecisions?[ /]((?:0\d{3}|\d\d?)(?:(?:, | and | to )(?:0\d{3}|\d\d?))*)\b)"),
      number(R"(\d+)");
  const auto pages = decisions();
  int references = 0;
  for (const auto& file : text_files()) {
    for (std::size_t line = 0; line < file.lines.size(); ++line) {
      if (file.lines[line].find("ecision") == std::string::npos) continue;
      const auto text = with_number(file, line);
      for (std::sregex_iterator at(text.begin(), text.end(), named), end; at != end; ++at) {
        const auto list = (*at)[1].str();
        for (std::sregex_iterator one(list.begin(), list.end(), number); one != end; ++one) {
          ++references;
          EXPECT_TRUE(pages.contains(one->str())) << file.at(line) << ": docs/decisions has no page " << one->str();
        }
      }
    }
  }
  EXPECT_GT(references, 100);
}

// [worker/stage_reader.cc](../worker/stage_reader.cc) `StageReader::read_one`
struct NamedFunction {
  std::string file, name;
  std::size_t line = 0;  // of the text, from 0
};

std::vector<NamedFunction> functions_in(const std::string& text) {
  static const std::regex pair(R"(\]\(\.\./([^)#]+)\)\s+`([A-Za-z_][A-Za-z0-9_:]*)`)");
  std::vector<NamedFunction> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pair), end; at != end; ++at) {
    const auto line = std::count(text.begin(), (*at)[2].first, '\n');
    found.push_back({(*at)[1], (*at)[2], static_cast<std::size_t>(line)});
  }
  return found;
}

// A definition stands with its class; a declaration without.
bool is_in(const std::string& text, const std::string& function) {
  const auto plain = function.substr(function.rfind(':') + 1);
  return text.find(function + "(") != text.npos || std::regex_search(text, std::regex("\\b" + plain + "\\("));
}

class LifeOf : public testing::TestWithParam<const char*> {};

TEST_P(LifeOf, NamesFunctionsThatAreInTheirFiles) {
  const auto page = read_text(GetParam());
  for (const auto& [file, name, line] : functions_in(page.text()))
    EXPECT_TRUE(is_in(read_text(file).text(), name)) << page.at(line) << ": " << file << " has no function " << name;
}

TEST_P(LifeOf, LinksEachStepToAFunction) {
  const auto page = read_text(GetParam());
  const std::regex step(R"(^\d+\. \*\*)");
  int steps = 0;
  for (std::size_t line = 0; line < page.lines.size(); ++line) {
    if (!std::regex_search(page.lines[line], step)) continue;
    ++steps;
    std::string text = page.lines[line] + "\n";
    for (auto more = line + 1; more < page.lines.size() && page.lines[more].starts_with("   "); ++more)
      text += page.lines[more] + "\n";
    EXPECT_FALSE(functions_in(text).empty()) << page.at(line) << ": this step names no function";
  }
  EXPECT_GT(steps, 5);
}

INSTANTIATE_TEST_SUITE_P(Pages, LifeOf, testing::Values("docs/life-of-a-frame.md", "docs/life-of-a-topology.md"));

// The patterns are put together here, so that this file does not match itself.
TEST(References, NoneLeadsOutOfTheRepository) {
  const std::regex outside(std::string(R"(\bD(?:1[0-6]|[1-9])\b|(?:^|[^\w.-])(?:\.\./)*)") +
                           "share"
                           "d/|" +
                           "(?:DESIG"
                           "N|KAFK"
                           "A|HOUS"
                           "E|STYL"
                           "E)\\.md");
  for (const auto& file : text_files()) {
    if (file.path.extension() == ".svg" || file.path.extension() == ".json") continue;
    for (std::size_t line = 0; line < file.lines.size(); ++line) {
      const auto& text = file.lines[line];
      const bool worth_a_look = text.find('D') != text.npos ||
                                text.find(
                                    "share"
                                    "d/") != text.npos ||
                                text.find(".md") != text.npos;
      if (!worth_a_look) continue;
      EXPECT_FALSE(std::regex_search(text, outside))
          << file.at(line) << ": refers to a document outside of the repository: " << text;
    }
  }
}

}  // namespace
}  // namespace ride
