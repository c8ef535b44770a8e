// Every file that a page of docs/ or the README names in a link or as a path is there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace ride {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Docs, LinksLeadToFiles) {
  const fs::path root(RIDE_SOURCE_DIR);
  std::vector<fs::path> pages = {root / "README.md", root / "deploy/README.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs"))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  const std::regex link(R"(\]\(([^)#: ]+)(#[^)]*)?\))");
  for (const auto& page : pages) {
    const auto text = text_of(page);
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
      const auto target = (*at)[1].str();
      EXPECT_TRUE(fs::exists(page.parent_path() / target)) << page << " -> " << target;
    }
  }
}

TEST(Docs, EveryPageIsListed) {
  const fs::path root(RIDE_SOURCE_DIR);
  const auto list = text_of(root / "docs/README.md");
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    const auto name = entry.path().filename().string();
    if (entry.path().extension() != ".md" || name == "README.md") continue;
    EXPECT_NE(list.find("`" + name + "`"), std::string::npos) << name << " is not in docs/README.md";
  }
}

}  // namespace
}  // namespace ride
