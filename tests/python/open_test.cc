// What is wrong before the first frame is said with what to do.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/python/python_script.h"

namespace ride::tasks {
namespace {

const char* const kWithParameters =
    "class Test:\n"
    "    least: int = 3\n"
    "    scale: float\n"
    "    name: str = 'x'\n"
    "    names: list = []\n"
    "    _own: int\n"
    "    def open(self):\n"
    "        assert type(self.least) is int and type(self.scale) is float, self.scale\n"
    "    def process(self, frame, out):\n"
    "        out.emit(frame, attributes={'v': '%d %g %s %s' % (self.least, self.scale, self.name, self.names)})\n";

std::string opened_with(const std::string& file, const ParamValues& more = {}) {
  return PythonScript(file, more).open_error();
}

void expect_said(const std::string& error, const std::string& what) {
  EXPECT_NE(error.find(what), std::string::npos) << error;
}

TEST(PythonOpen, ParametersAreClassAttributesWithATypeHint) {
  PythonScript script(kWithParameters, {{"values", text(R"({"scale": 2, "name": "y", "names": [1]})")}});
  KeepingEmitter out;
  const auto done = script.process(frame_of(noise(2, 2, CV_8UC1)), out);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(out.only().attributes.at("v"), "3 2 y [1]");
}

TEST(PythonOpen, ValuesThatDoNotFitAreSaid) {
  expect_said(opened_with(kWithParameters), "test.py needs the parameter 'scale'");
  expect_said(opened_with(kWithParameters, {{"values", text(R"({"scal": 2})")}}),
              "no parameter 'scal'; it has: least, name, names, scale");
  expect_said(opened_with(kWithParameters, {{"values", text(R"({"scale": 1, "least": true})")}}),
              "'least' is int, not true");
  EXPECT_NE(problem("python", {{"file", text("a.py")}, {"values", text("[]")}}), "");
  EXPECT_NE(problem("python", {{"file", text("a.py")}, {"memory", text("1KiB")}}), "");
  EXPECT_NE(problem("python", {{"file", text("")}}), "");
  EXPECT_EQ(problem("python", {{"file", text("a.py")}, {"values", text("{\"a\": [1]}")}}), "");
}

TEST(PythonOpen, AFileThatIsNoPythonIsSaidWithItsLine) {
  expect_said(opened_with("class Test:\n    def process(self, frame out):\n        pass\n"),
              "test.py:2: SyntaxError: ");
  expect_said(opened_with("x = 1\nraise ValueError('no\\x1b[31m luck')\n"), "test.py:2: ValueError: no\\x1b[31m luck");
  expect_said(opened_with("import nothing_of_that_name\n"), "apt-get install python3-nothing_of_that_name");
  expect_said(opened_with("raise ModuleNotFoundError('no cv2', name='cv2')\n"), "apt-get install python3-opencv,");
  expect_said(opened_with("x = '\xff'\n"), "SyntaxError");
  expect_said(opened_with("class A:\n    def process(self, f, o): pass\n    def open(self):\n        open('/none')\n"),
              "test.py:4: FileNotFoundError");
  expect_said(opened_with("class A:\n    def process(self, f, o): pass\n    def __init__(self, x): pass\n"),
              "TypeError");
}

TEST(PythonOpen, TheClassIsTheOnlyOneOrIsNamed) {
  const std::string two = "class A:\n    def process(self, f, o): pass\nclass B(A):\n    pass\n";
  expect_said(opened_with("x = 1\n"), "test.py has 0 classes with process(self, frame, out)");
  expect_said(opened_with(two), "it has: A, B");
  expect_said(opened_with(two, {{"class", text("C")}}), "no class 'C'");
  EXPECT_EQ(opened_with(two, {{"class", text("B")}}), "");
}

TEST(PythonOpen, AProcessThatEndsMeanwhileIsSaid) {
  expect_said(opened_with("import sys\nsys.exit(3)\n"), "exit code 3");
  expect_said(opened_with("import os\nos._exit(0)\n"), "exit code 0");
  expect_said(opened_with("import ctypes\nctypes.string_at(0)\n"), "signal 11 (segmentation fault)");
  expect_said(opened_with("import os\nos.kill(os.getpid(), 9)\n"), "signal 9 (killed)");
}

TEST(PythonOpen, WhatANodeLacksIsSaid) {
  const std::string fine = script_of("pass");
  expect_said(opened_with(fine, {{"python", text("python9.99")}}), "there is no Python 'python9.99' on this node");
  expect_said(opened_with(fine, {{"python", text("/etc")}}), "the folder '/etc' is no venv");
  expect_said(PythonScript("", {{"python", text("/tmp/none/bin/python")}}).open_error(), "there is no Python");
  PythonScript without(fine);
  const std::string bare = without / "bare";
  std::ofstream(bare) << "#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n";
  std::filesystem::permissions(bare, std::filesystem::perms::owner_all);
  expect_said(opened_with(fine, {{"python", text(bare)}}), "apt install python3-numpy");
  std::ofstream(bare) << "#!/bin/sh\nexit 0\n";
  expect_said(opened_with(fine, {{"python", text(bare)}}), "exit code 0");
  PythonScript gone(fine);
  std::filesystem::remove(gone / "test.py");
  expect_said(gone.open_error(), "FileNotFoundError");
}

TEST(PythonOpen, ModulesInTheWorkingFolderAreNotTakenForPythons) {
  const TempFolder folder;
  for (const char* name : {"json.py", "socket.py", "numpy.py"}) std::ofstream(folder / name) << "raise SystemExit(9)\n";
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "");
  EXPECT_EQ(PythonScript(script_of("out.emit(frame)")).open_error(), "");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace ride::tasks
