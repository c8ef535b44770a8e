// What is said of a script without running it is what the task says when it is opened with it; where that is not sure,
// nothing is said.
#include "worker/python/script_facts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/python/python_script.h"

namespace ride::tasks {
namespace {

constexpr const char* kPlain =
    "\"\"\"Of a module.\"\"\"\n"
    "import cv2.dnn, os\n"
    "from scipy import ndimage\n"
    "class Plain:\n"
    "    \"\"\"Counts what is bright.\n\n    More of it.\"\"\"\n"
    "    least: int = 1 << 4\n"
    "    names: 'list[str]' = ['a']\n"
    "    label: str\n"
    "    _own: int = 3\n"
    "    def open(self): pass\n"
    "    def process(self, frame, out): pass\n";

struct Case {
  const char* script;
  const char* values = "{}";
  const char* class_name = "";
};

python::ScriptFacts facts_of(const PythonScript& script, const Case& one) {
  const auto facts = python::look_at_script(
      {.file = script / "test.py", .class_name = one.class_name, .values = nlohmann::json::parse(one.values)});
  EXPECT_TRUE(facts.ok()) << facts.error().message;
  return facts.ok() ? *facts : python::ScriptFacts();
}

PythonScript script_with(const Case& one) {
  return PythonScript(one.script, {{"values", text(one.values)}, {"class", text(one.class_name)}});
}

TEST(ScriptFacts, TheClassesWithTheirParametersAndTheImports) {
  const auto facts = facts_of(PythonScript(kPlain), {kPlain, "{\"label\": \"x\"}"});
  EXPECT_TRUE(facts.problems.empty()) << facts.problems.front().text;
  EXPECT_EQ(facts.imports, (std::vector<std::string>{"cv2", "os", "scipy"}));
  ASSERT_EQ(facts.classes.size(), 1U);
  const auto& plain = facts.classes.front();
  EXPECT_EQ(plain.name, "Plain");
  EXPECT_EQ(plain.doc, "Counts what is bright.");
  EXPECT_EQ(plain.methods, (std::vector<std::string>{"open", "process"}));
  std::string params;
  for (const auto& param : plain.params) params += param.name + " " + param.type + " " + param.value + "; ";
  EXPECT_EQ(params, "least int 1 << 4; names list ['a']; label str ; ");
}

TEST(ScriptFacts, WhatIsWrongWithAScriptIsWhatItsOpeningSays) {
  const std::string plain = "class A:\n    def process(self, f, o): pass\n    n: int = 1\n    x: float = 1.5\n";
  const std::string two = plain + "class B(A): pass\n";
  const std::string needs = plain + "    name: str\n";
  for (const Case& one : std::vector<Case>{
           {"class A:\n    def process(self, f, o)\n        pass\n"},
           {"x = 1\nreturn 3\n"},
           {"x = 1\n"},
           {"def process(frame, out): pass\n"},
           {"class A:\n    def work(self): pass\n"},
           {two.c_str()},
           {two.c_str(), "{}", "C"},
           {plain.c_str(), "{}", "C"},
           {plain.c_str(), R"({"m": 1})"},
           {plain.c_str(), R"({"n": 1.5})"},
           {plain.c_str(), R"({"n": true})"},
           {plain.c_str(), R"({"x": "1"})"},
           {two.c_str(), R"({"m": 1})", "B"},
           {needs.c_str()},
           {"from typing import Optional\nclass A:\n    n: Optional[int] = 1\n    def process(self, f, o): pass\n",
            R"({"n": 1})"}}) {
    auto script = script_with(one);
    const auto facts = facts_of(script, one);
    const auto said = script.open_error();
    ASSERT_FALSE(facts.problems.empty()) << one.script << said;
    EXPECT_NE(said.find(facts.problems.front().text), std::string::npos) << facts.problems.front().text << "\n" << said;
  }
}

TEST(ScriptFacts, NothingIsSaidOfWhatCanBeOpened) {
  const std::string plain = "class A:\n    def process(self, f, o): pass\n    n: int = 1\n    x: float = 1.5\n";
  const std::string two = plain + "class B(A):\n    m: int = 2\n";
  for (const Case& one : std::vector<Case>{
           {plain.c_str(), R"({"n": 2, "x": 2})"},
           {two.c_str(), R"({"n": 2, "m": 2})", "B"},
           {"import threading\nclass A(threading.local):\n    def process(self, f, o): pass\n"},
           {"import collections\nclass B(collections.UserDict):\n    n: int = 1\nclass A(B):\n"
            "    def process(self, f, o): pass\n",
            R"({"n": 1})"},
           {"Number = int\nclass A:\n    n: Number = 1\n    def process(self, f, o): pass\n", R"({"n": 1})"},
           {"A = type('A', (), {'process': lambda s, f, o: None, '__module__': __name__})\n"},
           {"if True:\n    class A:\n        def process(self, f, o): pass\n"},
           {"try:\n    import none_of_that_name\nexcept ImportError:\n    pass\n"
            "class A:\n    def process(self, f, o): pass\n"},
           {"class A:\n    if True:\n        def process(self, f, o): pass\n"},
           {"class A:\n    process = lambda self, f, o: None\n"},
           {"class A:\n    name: str\n    def __init__(self): self.name = 'x'\n    def process(self, f, o): pass\n"},
           {"class A:\n    name: str\n    name = 'x'\n    def process(self, f, o): pass\n"},
           {"def more(kind):\n    kind.process = lambda self, f, o: None\n    kind.__annotations__ = {'m': int}\n"
            "    return kind\n@more\nclass A: pass\n",
            R"({"m": 1})"},
           {"class A:\n    async def close(self): pass\n    def process(self, f, o): pass\n    n: \"int\" = 1\n",
            R"({"n": 4})"},
           {"from typing import List, Dict\nimport typing\nclass A:\n    a: List[int] = []\n    b: typing.Dict = {}\n"
            "    def process(self, f, o): pass\n",
            R"({"a": [1], "b": {"c": 1}})"}}) {
    auto script = script_with(one);
    const auto facts = facts_of(script, one);
    EXPECT_EQ(script.open_error(), "") << one.script;
    EXPECT_TRUE(facts.problems.empty()) << one.script << facts.problems.front().text;
  }
}

TEST(ScriptFacts, AFileThatPythonCannotReadOrThatTakesForeverIsSaid) {
  const std::string deep = "x = " + std::string(200000, '(') + std::string(200000, ')') + "\n";
  PythonScript script(deep);
  const auto facts = python::look_at_script({.file = script / "test.py"});
  if (facts.ok()) {
    EXPECT_FALSE(facts->problems.empty());
  }
  std::ofstream(script / "test.py") << "x = '\xff'\n";
  EXPECT_EQ(facts_of(script, {""}).problems.size(), 1U);
  std::ofstream(script / "test.py") << std::string("x = 1\0\n", 7);
  EXPECT_EQ(facts_of(script, {""}).problems.size(), 1U);
  const auto late = python::look_at_script({.file = script / "test.py", .limit = std::chrono::milliseconds(1)});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
  const auto none = python::look_at_script({.file = script / "test.py", .interpreter = "python9.99"});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
}

TEST(ScriptFacts, WhatIsNoAnswerOfOursIsRefusedOrLeftOut) {
  EXPECT_FALSE(python::parse_facts("").ok());
  EXPECT_FALSE(python::parse_facts("[]").ok());
  const auto odd = python::parse_facts(R"({"classes": [1, {"name": 5, "params": [[]], "whole": 1}], "imports": {},)"
                                       R"( "problems": [{"about": "file", "text": "a\u001b[2Jb"}, 7]})");
  ASSERT_TRUE(odd.ok());
  ASSERT_EQ(odd->problems.size(), 1U);
  EXPECT_EQ(odd->problems.front().text, "a\\x1b[2Jb");
  ASSERT_EQ(odd->classes.size(), 1U);
  EXPECT_EQ(odd->classes.front().name, "");
}

}  // namespace
}  // namespace ride::tasks
