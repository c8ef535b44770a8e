#include "worker/tasks/path_template.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ride::tasks {
namespace {

const std::vector<std::string> kFields = {"source", "session", "seq"};

std::string expanded(const std::string& text, const std::string& source = "gate", const std::string& seq = "42") {
  auto path = PathTemplate::parse(text, kFields);
  EXPECT_TRUE(path) << (path ? "" : path.error().message);
  return path ? path->expand({{"source", source}, {"session", "3"}, {"seq", seq}}) : "";
}

TEST(PathTemplate, FillsInFieldsAndZeros) {
  EXPECT_EQ(expanded("out/{source}/{session}/{seq}.jpg"), "out/gate/3/42.jpg");
  EXPECT_EQ(expanded("{seq:06}.png"), "000042.png");
  EXPECT_EQ(expanded("{seq:1}.png"), "42.png");
  EXPECT_EQ(expanded("/data/../x/{source}"), "/data/../x/gate");  // the user's own words are taken as they are
}

TEST(PathTemplate, HostileNamesStayInsideTheirFolder) {
  for (const char* hostile : {"..", ".", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "..%2f", "", ".hidden",
                              "a\nb", "C:\\x", "~root", "\xff\xfe", "{seq}", "%", "a b"}) {
    const std::string path = expanded("out/{source}/x.jpg", hostile);
    EXPECT_EQ(std::count(path.begin(), path.end(), '/'), 2) << path;
    EXPECT_TRUE(path.starts_with("out/") && path.ends_with("/x.jpg")) << path;
    EXPECT_FALSE(path.starts_with("out/.") || path.starts_with("out//")) << path;
  }
  EXPECT_EQ(safe_file_name(std::string_view("a\0b", 3)), "a%00b");
}

TEST(PathTemplate, DifferentNamesGetDifferentFiles) {
  std::set<std::string> seen;
  const std::vector<std::string> names = {"", "%", "%25", "..", "%2E.", "a/b", "a%2Fb", "a_b", "A_b", "."};
  for (const auto& name : names) seen.insert(safe_file_name(name));
  EXPECT_EQ(seen.size(), names.size());
}

// What a person calls a picture stays: blanks, accents, brackets. What could lead elsewhere, hide or turn text does
// not.
TEST(PathTemplate, AFileKeepsItsNameAndItsFoldersAndNothingLeadsOut) {
  for (const char* same : {"p01.jpg", "day 1/IMG (2).JPG",
                           "stra\xc3\x9f"
                           "e.png",
                           "a/b/c.d/e.png", "-x.jpg", "~root", "a\\b"})
    EXPECT_EQ(safe_relative_path(same), same);
  EXPECT_EQ(safe_relative_path("../../etc/passwd"), "%2E./%2E./etc/passwd");
  EXPECT_EQ(safe_relative_path("/etc//x"), "%/etc/%/x");
  EXPECT_EQ(safe_relative_path(""), "%");
  EXPECT_EQ(safe_relative_path(".bashrc"), "%2Ebashrc");
  EXPECT_EQ(safe_relative_path("a\nb\x1b[2J\xff"), "a%0Ab%1B[2J%FF");
  EXPECT_EQ(safe_relative_path("x\xe2\x80\xae.jpg"), "x%E2%80%AE.jpg");  // turns the text round
  EXPECT_EQ(safe_relative_path(std::string_view("a\0b", 3)), "a%00b");
  std::set<std::string> seen;
  const std::vector<std::string> names = {"",      "%",    "%25",   "..", "%2E.", "a/b",
                                          "a%2Fb", "a//b", "a/%/b", "/",  "a/",   "/a"};
  for (const auto& name : names) seen.insert(safe_relative_path(name));
  EXPECT_EQ(seen.size(), names.size());
}

TEST(PathTemplate, AFileHasAStemAndAnExtension) {
  EXPECT_EQ(file_stem("day.1/p01.tar.JPG"), "day.1/p01.tar");
  EXPECT_EQ(file_extension("day.1/p01.tar.JPG"), "jpg");
  EXPECT_EQ(file_stem("day.1/p01"), "day.1/p01");
  EXPECT_EQ(file_extension("day.1/p01"), "");
  EXPECT_EQ(file_stem("day/.jpg"), "day/.jpg");
  EXPECT_EQ(file_extension(".jpg"), "");
}

TEST(PathTemplate, ErrorsSayWhatIsWrong) {
  const auto problem = [](std::string_view text) {
    const auto path = PathTemplate::parse(text, kFields);
    return path ? std::string() : path.error().message;
  };
  EXPECT_EQ(problem("{sorce}"),
            "it has the unknown placeholder '{sorce}', did you mean '{source}'? Known: {source}, {session}, {seq}");
  EXPECT_EQ(problem("a{seq"), "it has a '{' without its '}'");
  EXPECT_EQ(problem("a}seq"), "it has a '}' without its '{'");
  EXPECT_EQ(problem(""), "it is empty");
  for (const char* bad : {"{seq:}", "{seq:x}", "{seq:-1}", "{seq:21}", "{seq:99999999999999999999}", "{}", "{{seq}}"}) {
    EXPECT_NE(problem(bad), "") << bad;
  }
  EXPECT_NE(problem(std::string_view("a\0{seq}", 7)), "");
}

TEST(PathTemplate, KnowsItsExtensionAndFields) {
  const auto path = PathTemplate::parse("out.d/{seq}.JPG", kFields);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->extension(), "jpg");
  EXPECT_TRUE(path->uses("seq"));
  EXPECT_FALSE(path->uses("source"));
  EXPECT_EQ(PathTemplate::parse("out.d/x", kFields)->extension(), "");
  EXPECT_EQ(PathTemplate::parse("out.jpg/{seq}", kFields)->extension(), "");
}

}  // namespace
}  // namespace ride::tasks
