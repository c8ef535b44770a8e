#include "worker/tasks/path_template.h"

#include <gtest/gtest.h>

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
