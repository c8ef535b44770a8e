// What a child prints becomes lines that a log can hold.
#include "worker/python/output_lines.h"

#include <gtest/gtest.h>

namespace ride::python {
namespace {

using std::chrono::seconds;

const OutputLines::Time kStart{seconds(1000)};

TEST(OutputLines, LinesComeWholeHoweverTheyArrive) {
  OutputLines lines;
  EXPECT_TRUE(lines.feed("on", kStart).empty());
  EXPECT_EQ(lines.feed("e\ntwo\nthr", kStart), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(lines.rest(kStart), (std::vector<std::string>{"thr"}));
  EXPECT_TRUE(lines.rest(kStart).empty());
}

TEST(OutputLines, ALongLineIsCut) {
  OutputLines lines;
  const auto shown = lines.feed(std::string(100000, 'x') + "\nnext\n", kStart);
  EXPECT_EQ(shown, (std::vector<std::string>{std::string(OutputLines::kLongest, 'x') + " ...", "next"}));
}

TEST(OutputLines, BytesThatAreNoTextAreShownAsEscapes) {
  OutputLines lines;
  EXPECT_EQ(lines.feed(std::string_view("\x1b[31m\0\xff\n", 8), kStart),
            (std::vector<std::string>{"\\x1b[31m\\x00\\xff"}));
}

TEST(OutputLines, ManyLinesAreCountedInsteadOfShown) {
  OutputLines lines;
  std::string flood;
  for (int i = 0; i < 10000; ++i) flood += "again\n";
  EXPECT_EQ(lines.feed(flood, kStart).size(), static_cast<std::size_t>(OutputLines::kBurst));
  const auto later = lines.feed("calm\n", kStart + seconds(1));
  EXPECT_EQ(later, (std::vector<std::string>{"(9800 lines more were printed)", "calm"}));
  EXPECT_EQ(lines.feed(flood, kStart + seconds(2)).size(), 39U) << "19 that were left, and 20 of another second";
  EXPECT_EQ(lines.rest(kStart + seconds(2)), (std::vector<std::string>{"(9961 lines more were printed)"}));
}

}  // namespace
}  // namespace ride::python
