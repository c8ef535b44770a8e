// TextFile: the text files of the repository, line by line, for tests of links and references. Test code only.
// Threads: one. Failure: a file that cannot be read is empty.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ride {

struct TextFile {
  std::filesystem::path path;  // from the root of the repository
  std::vector<std::string> lines;

  bool is_page() const { return path.extension() == ".md"; }
  std::string text() const;
  std::string at(std::size_t line) const;  // "docs/cli.md:12", lines from 0
};

std::filesystem::path source_root();
TextFile read_text(const std::filesystem::path& path);
// All of the repository but build folders, binary files and what a run leaves behind, in order of their names.
const std::vector<TextFile>& text_files();
// The same page without what stands in code: fenced blocks are empty lines, `spans` are left out.
TextFile without_code(const TextFile& page);
// Headings as GitHub makes anchors of them: "## What to know" is "what-to-know".
std::vector<std::string> anchors_of(const TextFile& page);

}  // namespace ride
