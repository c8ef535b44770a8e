// What a Python file for the task `python` declares, and what of it cannot be right whoever runs it: found by a Python
// of this machine in the file's text; nothing of the file is run or imported (describe.py). What the text leaves open
// is no problem. Threads: any. Failure: not_found where this machine has no Python for it; else what became of it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace ride::python {

struct ScriptParam {
  std::string name, type;  // type: of a hint that is not known here, empty
  std::string value;       // the default as it is written; empty: none
};

struct ScriptClass {
  std::string name, doc;
  std::vector<ScriptParam> params;
  std::vector<std::string> methods;  // of the four that are called
  bool whole = true;                 // else it may have more from elsewhere
};

struct ScriptProblem {
  std::string param;  // of the stage: "file", "class" or "values"
  std::string text;
};

struct ScriptFacts {
  std::string python;                // the version that was asked
  std::vector<ScriptClass> classes;  // with process()
  std::vector<std::string> imports;  // of modules, as they begin
  std::vector<ScriptProblem> problems;
};

struct ScriptQuestion {
  std::filesystem::path file;
  std::string interpreter = "python3";  // as the parameter `python`
  std::string class_name = {};
  nlohmann::json values = nullptr;  // null: nothing is said of them
  std::chrono::milliseconds limit = std::chrono::seconds(20);
};
Result<ScriptFacts> look_at_script(const ScriptQuestion& question);

// "Python 3.11.2, numpy 1.24.2, OpenCV (cv2)" of the python3 that tasks have by default; else what lacks, and how to
// install it.
Result<std::string> python_and_modules();

// Of what describe.py has written; for look_at_script() and tests.
Result<ScriptFacts> parse_facts(std::string_view text);

}  // namespace ride::python
