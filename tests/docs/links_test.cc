// Every link of a page leads to a file, and to a heading where it names one; every page is listed; every path that a
// page of docs/ or a README names in `code` is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/docs/text_file.h"

namespace ride {
namespace {

namespace fs = std::filesystem;

bool has_anchor(const fs::path& page, const std::string& name) {
  const auto anchors = anchors_of(read_text(page));
  return std::find(anchors.begin(), anchors.end(), name) != anchors.end();
}

// Empty: the link leads somewhere.
std::string problem_of(const TextFile& page, const std::string& link) {
  const auto hash = link.find('#');
  const auto file = link.substr(0, hash);
  const auto target = file.empty() ? page.path : (page.path.parent_path() / file).lexically_normal();
  if (target.begin() != target.end() && *target.begin() == "..") return "leads out of the repository";
  if (!fs::exists(source_root() / target)) return target.string() + " is not there";
  if (hash == link.npos || target.extension() != ".md") return {};
  return has_anchor(target, link.substr(hash + 1)) ? "" : target.string() + " has no heading for it";
}

std::vector<std::string> links_in(const std::string& line) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  std::vector<std::string> found;
  if (line.find("](") == line.npos) return found;
  for (std::sregex_iterator at(line.begin(), line.end(), link), end; at != end; ++at)
    if (const auto target = (*at)[1].str(); target.find("://") == target.npos) found.push_back(target);
  return found;
}

TEST(Docs, LinksLeadToFilesAndHeadings) {
  int links = 0;
  for (const auto& file : text_files()) {
    if (!file.is_page()) continue;
    const auto prose = without_code(file);
    for (std::size_t line = 0; line < prose.lines.size(); ++line) {
      for (const auto& link : links_in(prose.lines[line])) {
        ++links;
        const auto problem = problem_of(file, link);
        EXPECT_TRUE(problem.empty()) << file.at(line) << ": link (" << link << "): " << problem;
      }
    }
  }
  EXPECT_GT(links, 200);
}

// `master/core/silence.h`: a path with a folder, of a kind that only the repository has. NAME and NNNN stand for
// something.
std::vector<std::string> paths_in(const std::string& line) {
  static const std::regex path(R"(`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*/[A-Za-z0-9_-]+\.(?:h|cc|md|py))`)");
  std::vector<std::string> found;
  if (line.find('`') == line.npos) return found;
  for (std::sregex_iterator at(line.begin(), line.end(), path), end; at != end; ++at) found.push_back((*at)[1]);
  std::erase_if(found, [](const auto& one) { return one.find("NAME") != one.npos || one.find("NNNN") != one.npos; });
  return found;
}

TEST(Docs, PathsInCodeAreThere) {
  int paths = 0;
  for (const auto& file : text_files()) {
    if (!file.is_page()) continue;
    for (std::size_t line = 0; line < file.lines.size(); ++line) {
      for (const auto& path : paths_in(file.lines[line])) {
        ++paths;
        EXPECT_TRUE(fs::exists(source_root() / path) || fs::exists(source_root() / file.path.parent_path() / path))
            << file.at(line) << ": " << path << " is not there";
      }
    }
  }
  EXPECT_GT(paths, 100);
}

TEST(Docs, EveryPageIsListed) {
  for (const auto* folder : {"docs", "docs/decisions"}) {
    const auto list = read_text(fs::path(folder) / "README.md").text();
    for (const auto& file : text_files()) {
      const auto name = file.path.filename().string();
      if (file.path.parent_path() != folder || !file.is_page() || name == "README.md") continue;
      EXPECT_NE(list.find("](" + name + ")"), std::string::npos) << folder << "/README.md has no link to " << name;
    }
  }
}

TEST(Docs, EveryWordOfTheGlossaryIsLinkedFromAPage) {
  std::set<std::string> linked;
  for (const auto& file : text_files()) {
    if (!file.is_page() || file.path == "docs/glossary.md") continue;
    for (const auto& line : file.lines)
      for (const auto& link : links_in(line))
        if (const auto at = link.find("glossary.md#"); at != link.npos) linked.insert(link.substr(at + 12));
  }
  for (const auto& word : anchors_of(read_text("docs/glossary.md")))
    EXPECT_TRUE(word == "glossary" || linked.contains(word)) << "docs/glossary.md: no page links to #" << word;
}

}  // namespace
}  // namespace ride
