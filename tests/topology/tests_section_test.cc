// The section `tests` beyond its error messages: who reads it, and hashes written into the text at their places alone.
#include <gtest/gtest.h>

#include "tests/topology/test_catalog.h"
#include "topology/edit_hashes.h"
#include "topology/output_check.h"
#include "topology/topology.h"

namespace ride::topology {
namespace {

constexpr const char* kHead =
    "ride: v1\r\nname: j\nsources: { a: { camera: 0 } }\nstages: [{ name: s, from: a, task: identity }]\n"
    "sinks: [{ name: t, from: s, task: discard }]\ntests:\n";
const std::string kDigits(64, 'a'), kOther(64, 'b');

std::vector<HashEdit> edits_of(const std::string& text, const std::vector<std::string>& to) {
  const auto parsed = parse_topology(text, "f", test_catalog(), test_environment());
  EXPECT_TRUE(parsed.topology) << render(parsed.diagnostics, text);
  std::vector<HashEdit> edits;
  for (std::size_t i = 0; parsed.topology && i < to.size(); ++i) {
    const auto& expect = parsed.topology->tests()[i].expect;
    edits.push_back({expect.sha256_place, expect.sha256, to[i]});
  }
  return edits;
}

TEST(EditHashes, EachStandsWhereTheOldOneStood) {
  const std::string before = std::string(kHead) +
                             "  - { name: \"ä: new\", input: new, expect: { sha256: new }, timeout: 5s }  # new\n"
                             "  - { name: b, input: a.png, expect: { sha256: \"" +
                             kOther +
                             "\" } } # ends\r\n  - name: c\n    input: a.png\n    expect:\n      sha256: 'new'";
  const auto after = edit_hashes(before, edits_of(before, {kDigits, kDigits, kOther}));
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(*after, std::string(kHead) + "  - { name: \"ä: new\", input: new, expect: { sha256: " + kDigits +
                        " }, timeout: 5s }  # new\n  - { name: b, input: a.png, expect: { sha256: \"" + kDigits +
                        "\" } } # ends\r\n  - name: c\n    input: a.png\n    expect:\n      sha256: '" + kOther + "'");
}

TEST(EditHashes, TwoOnOneLineDoNotMoveEachOther) {
  const std::string before = std::string(kHead) +
                             "  [{ name: a, input: a.png, expect: { sha256: new } }, { name: b, input: a.png, expect: "
                             "{ sha256: new } }]\n";
  const auto after = edit_hashes(before, edits_of(before, {kDigits, kOther}));
  ASSERT_TRUE(after.ok()) << after.error().message;
  const auto edits = edits_of(*after, {"", ""});
  EXPECT_EQ(edits[0].from, kDigits);
  EXPECT_EQ(edits[1].from, kOther);
}

TEST(EditHashes, OneValueCannotBecomeTwo) {
  const std::string before = std::string(kHead) +
                             "  - { name: a, input: a.png, expect: &same { sha256: new } }\n"
                             "  - { name: b, input: a.png, expect: *same }\n";
  EXPECT_TRUE(edit_hashes(before, edits_of(before, {kDigits, kDigits})).ok());
  const auto after = edit_hashes(before, edits_of(before, {kDigits, kOther}));
  ASSERT_FALSE(after.ok());
  EXPECT_NE(after.error().message.find("line 7"), std::string::npos) << after.error().message;
}

// A master's job is the same with and without them: what is wrong there, or not set where it runs, stops no job.
TEST(TopologyTests, AreNotReadForAMaster) {
  const std::string text = std::string(kHead) + "  - { name: \"${NOT_SET}\", input: a.png, expect: { psnr: x } }\n";
  const auto here = parse_topology(text, "f", test_catalog(), test_environment());
  EXPECT_FALSE(here.topology);
  const auto master = parse_topology(text, "f", test_catalog(), test_environment(), {});
  ASSERT_TRUE(master.topology) << render(master.diagnostics, text);
  EXPECT_TRUE(master.topology->tests().empty());
}

TEST(EditHashes, ATextThatHasChangedIsLeftAlone) {
  for (const SourceLocation place : {SourceLocation{1, 3, 3}, SourceLocation{9, 1, 3}, SourceLocation{1, 99, 3}})
    EXPECT_FALSE(edit_hashes("sha256: new\n", {{place, "new", kDigits}}).ok());
}

}  // namespace
}  // namespace ride::topology
