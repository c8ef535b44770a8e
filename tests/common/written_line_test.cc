#include "common/written_line.h"

#include <gtest/gtest.h>

#include <string>

namespace ride {
namespace {

WrittenLine example() {
  return {.recipe = std::string(64, 'a'),
          .sink = "album",
          .from = "blur",
          .source = "photos",
          .file = "day 1/p%01\t\n\xff.jpg",
          .number = 17,
          .version = "4096@1790000000123456789",
          .path = "out/day 1/p.jpg",
          .written = "2048@1790000001123456789"};
}

// Without its line feeds, as a reader of lines gets it.
std::string line_of(const WrittenLine& line) {
  const auto text = to_text(line);
  return text.substr(1, text.size() - 2);
}

TEST(WrittenLine, ComesBackAsItWasWhateverBytesAFilesNameHas) {
  const auto text = to_text(example());
  EXPECT_EQ(text.find('\n', 1), text.size() - 1) << "one line";
  EXPECT_EQ(parse_written_line(line_of(example())), example());
}

TEST(WrittenLine, IsNotTakenWhereAPartOfItIsMissingOrAnother) {
  const auto whole = line_of(example());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_written_line(whole.substr(0, size))) << size;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto other = whole;
    other[at] = other[at] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(parse_written_line(other)) << at;
  }
  EXPECT_FALSE(parse_written_line(whole + whole));
}

TEST(WrittenLine, IsWholeBehindHalfALine) {
  const auto text = "ride1\tabc" + to_text(example());
  const auto begin = text.find('\n') + 1;
  EXPECT_EQ(parse_written_line(text.substr(begin, text.size() - begin - 1)), example());
}

TEST(WrittenLine, AnotherSinkJobOrFolderHasAnotherLog) {
  const auto one = written_log_path("out/{file}", "a", "b");
  EXPECT_NE(one, written_log_path("out/{file}", "a", "c"));
  EXPECT_NE(one, written_log_path("out/{file}", "b", "b"));
  EXPECT_NE(one, written_log_path("other/{file}", "a", "b"));
  EXPECT_EQ(one, written_log_path("out/{source}/{seq}.png", "a", "b"));
}

TEST(WrittenLine, TheLogLiesBesideTheFolderOfThePictures) {
  const auto folder_of = [](const char* path) {
    const auto log = written_log_path(path, "../../etc", "a/b");
    const auto name = log.find(".ride-written-");
    EXPECT_EQ(log.find('/', name), std::string::npos) << log;
    return log.substr(0, name);
  };
  EXPECT_EQ(folder_of("out/{file}"), "");
  EXPECT_EQ(folder_of("{file}"), "");
  EXPECT_EQ(folder_of("/srv/out/{source}/{seq}.png"), "/srv/");
  EXPECT_EQ(folder_of("../out/{file}"), "../");
  EXPECT_EQ(folder_of("/{file}"), "/");
}

TEST(DoneItems, ComeBackAndHalfALineIsLeftOut) {
  const DoneItems items = {{0, "a.jpg"}, {3, "day 1/\n.jpg"}, {4000000000, "b"}};
  EXPECT_EQ(parse_done_items(to_text(items)), items);
  EXPECT_EQ(parse_done_items("7\tgood\nx\tbad\n\n9"), (DoneItems{{7, "good"}}));
}

}  // namespace
}  // namespace ride
