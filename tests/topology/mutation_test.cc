// Valid and invalid files are broken in thousands of seeded ways. Whatever comes out: no crash, and either a topology
// or errors whose places lie within the file; a topology that comes out can be planned, drawn and printed. RIDE_SEED
// replays one seed, RIDE_MUTATIONS=N tries N of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "common/json.h"
#include "tests/topology/test_catalog.h"
#include "topology/graph.h"
#include "topology/plan.h"
#include "topology/source_text.h"
#include "topology/topology.h"

namespace ride::topology {
namespace {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) { return end == 0 ? 0 : random() % end; }

const std::vector<std::string>& snippets() {
  static const std::vector<std::string> list = {"{",
                                                "}",
                                                "[",
                                                "]",
                                                ":",
                                                ": ",
                                                ",",
                                                "\n",
                                                "\n  ",
                                                "\n- ",
                                                "\t",
                                                "\"",
                                                "'",
                                                "#",
                                                "&a ",
                                                "*a",
                                                "!x ",
                                                "!",
                                                "| \n",
                                                "> \n",
                                                "?",
                                                "%",
                                                "---\n",
                                                "...\n",
                                                "${",
                                                "${X}",
                                                "$$",
                                                "~",
                                                "null",
                                                "true",
                                                "-1",
                                                "0",
                                                "1e999",
                                                "99999999999999999999",
                                                ".nan",
                                                "\xC3",
                                                "\xC3\xA9",
                                                "\xF0\x9F\x98\x80",
                                                "\x01",
                                                "\r",
                                                "<<: ",
                                                "name: ",
                                                "from: [",
                                                "task: ",
                                                "topic: {adopt: true, name: x}",
                                                "10m",
                                                "4GiB",
                                                "rtsp://u:p@h/",
                                                "${A:-}",
                                                "clean",
                                                "album",
                                                "gate",
                                                "people.out",
                                                "\\",
                                                "\\x",
                                                "\"\\u12",
                                                "@",
                                                "`",
                                                "\xEF\xBB\xBF",
                                                std::string("\0", 1)};
  return list;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line + "\n");
  return lines;
}

std::string mutate_lines(std::string text, Random& random) {
  auto lines = lines_of(text);
  if (lines.empty()) return text;
  const std::size_t a = below(random, lines.size()), b = below(random, lines.size());
  switch (below(random, 5)) {
    case 0:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(a));
      break;
    case 1:
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(a), lines[b]);
      break;
    case 2:
      std::swap(lines[a], lines[b]);
      break;
    case 3:
      lines[a].insert(0, 1 + below(random, 4), ' ');
      break;
    case 4:
      lines[a].erase(0, below(random, 5));
      break;
  }
  std::string joined;
  for (const auto& line : lines) joined += line;
  return joined;
}

std::string mutate(std::string text, Random& random) {
  const std::size_t times = 1 + below(random, 4);
  for (std::size_t i = 0; i < times; ++i) {
    const std::size_t at = below(random, text.size() + 1);
    switch (below(random, 6)) {
      case 0:
        text.insert(at, snippets()[below(random, snippets().size())]);
        break;
      case 1:
        text.erase(at, 1 + below(random, 8));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 3:
        text.resize(at);
        break;
      case 4:
        text.insert(at, text.substr(below(random, text.size() + 1), below(random, 60)));
        break;
      case 5:
        text = mutate_lines(std::move(text), random);
        break;
    }
  }
  return text;
}

void expect_sane(const std::string& text) {
  const auto outcome = parse_topology(text, "m.yaml", test_catalog(), test_environment());
  EXPECT_EQ(outcome.topology.has_value(), !has_errors(outcome.diagnostics));
  const SourceText source(text.starts_with("\xEF\xBB\xBF") ? std::string_view(text).substr(3) : text);
  for (const Diagnostic& d : outcome.diagnostics) {
    ASSERT_GE(d.line, 1);
    ASSERT_LE(d.line, source.lines());
    ASSERT_GE(d.column, 1);
    ASSERT_LE(d.column, static_cast<int>(code_points(source.line(d.line)).size()) + 1) << d.message;
    EXPECT_FALSE(d.message.empty());
  }
  const std::string shown = render(outcome.diagnostics, text);
  for (const char* secret : kSecrets) EXPECT_EQ(shown.find(secret), std::string::npos);
  if (!outcome.topology) return;
  const auto plan = make_plan(*outcome.topology, RunNumber{1}, "ride", {.brokers = 3});
  if (!plan.ok()) return;
  EXPECT_FALSE(render_plan(*plan).empty());
  EXPECT_FALSE(to_dot(*plan).empty());
  EXPECT_FALSE(plan_to_json(*plan).empty());
  if (plan->complete()) {
    EXPECT_EQ(to_job_spec(*plan).stages.size(), plan->stages.size());
  }
}

std::vector<std::string> seeds_of_text() {
  std::vector<std::string> texts;
  const fs::path root(RIDE_SOURCE_DIR);
  for (const fs::path& folder : {root / "tests/topology/golden", root / "topology/examples"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      if (file.extension() != ".yaml" || fs::file_size(file) > 4000) continue;
      std::ostringstream text;
      text << std::ifstream(file, std::ios::binary).rdbuf();
      texts.push_back(text.str());
    }
  }
  return texts;
}

TEST(TopologyMutation, BrokenFilesGiveErrorsWithinTheFileAndNeverACrash) {
  const auto texts = seeds_of_text();
  ASSERT_GE(texts.size(), 10u);
  const char* replay = std::getenv("RIDE_SEED");
  const std::uint64_t first = replay == nullptr ? 1 : std::strtoull(replay, nullptr, 10);
  const char* more = std::getenv("RIDE_MUTATIONS");
  const std::uint64_t count = more != nullptr ? std::strtoull(more, nullptr, 10) : replay == nullptr ? 6000 : 1;
  for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
    SCOPED_TRACE("RIDE_SEED=" + std::to_string(seed));
    Random random(seed);
    const std::string text = mutate(texts[below(random, texts.size())], random);
    expect_sane(text);
    if (HasFailure()) ADD_FAILURE() << "the text was:\n" << text;
  }
}

TEST(TopologyMutation, RandomBytesAreNoTopology) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::string text;
    for (std::size_t i = below(random, 200); i > 0; --i) text += snippets()[below(random, snippets().size())];
    expect_sane(text);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ride::topology
