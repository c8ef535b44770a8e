#include "cli/core/table.h"

#include <gtest/gtest.h>

namespace ride::cli {
namespace {

const Style kPlain{}, kColour{.colour = true};

TEST(Table, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  Table table({{"NAME"}, {"FPS", Align::right}, {"NOTE"}});
  table.add({"gate", "30", "ok"});
  table.add({"a-long-name", "9.5", ""});
  EXPECT_EQ(table.render(kPlain),
            "NAME         FPS  NOTE\n"
            "gate          30  ok\n"
            "a-long-name  9.5  \n");
}

TEST(Table, CountsCharactersNotBytesNorColours) {
  EXPECT_EQ(display_width("näme…"), 5U);
  EXPECT_EQ(display_width(kColour.paint("red", Tone::bad)), 3U);
  Table table({{"A"}, {"B"}});
  table.add({Cell("ü", Tone::bad), "x"});
  EXPECT_EQ(table.render(kPlain), "A  B\nü  x\n");
}

TEST(Table, CutsLinesAtTheWidthAndEndsTheColour) {
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("abc", 3), "abc");
  const std::string cut = fit(kColour.paint("abcdef", Tone::bad), 4);
  EXPECT_EQ(cut, "\x1b[31mabc…\x1b[0m");
}

TEST(Table, HasNoEscapesWithoutColour) {
  Table table({{"A"}});
  table.add({Cell("x", Tone::bad)});
  EXPECT_EQ(table.render(kPlain).find('\x1b'), std::string::npos);
  EXPECT_NE(table.render(kColour).find('\x1b'), std::string::npos);
}

TEST(ProgressBar, IsFilledToItsFraction) {
  EXPECT_EQ(progress_bar(0.5, 4), "██░░");
  EXPECT_EQ(progress_bar(-1, 2), "░░");
  EXPECT_EQ(progress_bar(7, 2), "██");
}

}  // namespace
}  // namespace ride::cli
