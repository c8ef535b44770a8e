#include "tests/docs/text_file.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <sstream>

namespace ride {
namespace {

namespace fs = std::filesystem;

// Hidden folders hold what git, Kafka or a run of RIDE put there. The others are written by builds, runs and the
// fuzzer, or are no part of the repository.
bool is_ours(const fs::path& folder) {
  const auto name = folder.filename().string();
  if (name == ".ci") return true;
  return !name.starts_with(".") && name != "build" && name != "out" && name != "corpus" && name != "shared";
}

bool is_text(const std::string& bytes) { return bytes.find('\0') == bytes.npos; }

std::string bytes_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void collect(const fs::path& folder, std::vector<fs::path>& files) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_symlink()) continue;
    if (entry.is_directory() && is_ours(entry.path())) collect(entry.path(), files);
    if (entry.is_regular_file() && entry.file_size() < (1 << 20)) files.push_back(entry.path());
  }
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string anchor(const std::string& heading) {
  std::string out;
  for (const unsigned char c : heading) {
    if (c == ' ')
      out += '-';
    else if (std::isalnum(c) || c == '-' || c == '_' || c >= 0x80)
      out += static_cast<char>(std::tolower(c));
  }
  return out;
}

}  // namespace

fs::path source_root() { return RIDE_SOURCE_DIR; }

std::string TextFile::text() const {
  std::string all;
  for (const auto& line : lines) all += line + "\n";
  return all;
}

std::string TextFile::at(std::size_t line) const { return path.string() + ":" + std::to_string(line + 1); }

TextFile read_text(const fs::path& path) { return {path, split(bytes_of(source_root() / path))}; }

const std::vector<TextFile>& text_files() {
  static const std::vector<TextFile> files = [] {
    std::vector<fs::path> paths;
    collect(source_root(), paths);
    std::sort(paths.begin(), paths.end());
    std::vector<TextFile> read;
    for (const auto& path : paths)
      if (auto bytes = bytes_of(path); is_text(bytes))
        read.push_back({fs::relative(path, source_root()), split(bytes)});
    return read;
  }();
  return files;
}

TextFile without_code(const TextFile& page) {
  TextFile prose = page;
  bool fenced = false;
  for (auto& line : prose.lines) {
    const bool fence =
        line.find_first_not_of(' ') != line.npos && line.substr(line.find_first_not_of(' ')).starts_with("```");
    if (fence) fenced = !fenced;
    if (fence || fenced) {
      line.clear();
      continue;
    }
    for (auto begin = line.find('`'); begin != line.npos; begin = line.find('`', begin)) {
      const auto end = line.find('`', begin + 1);
      if (end == line.npos) break;
      line.erase(begin, end - begin + 1);
    }
  }
  return prose;
}

std::vector<std::string> anchors_of(const TextFile& page) {
  std::vector<std::string> anchors;
  std::map<std::string, int> seen;
  bool fenced = false;
  for (const auto& line : page.lines) {
    if (line.starts_with("```")) fenced = !fenced;
    if (fenced || !line.starts_with("#")) continue;
    const auto text = line.find_first_not_of('#');
    if (text == line.npos || line[text] != ' ') continue;
    auto name = anchor(line.substr(text + 1));
    if (const int before = seen[name]++; before > 0) name += "-" + std::to_string(before);
    anchors.push_back(name);
  }
  return anchors;
}

}  // namespace ride
