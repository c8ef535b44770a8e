// What the word TASK of `ride try` means where it is a file: a Python file stands for the task python with that file, a
// .so for the task of a plug-in. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "common/param.h"
#include "common/result.h"

namespace ride::cli {

bool is_python_file(const std::string& task);
bool is_plugin_file(const std::string& task);

// "NAME=VALUE" each, of the task python with this file: what the task itself has (`own`) stays, all else is a parameter
// of the class, and goes into `values`. A value is JSON (180, true, [1, 2]) or else a text. invalid_argument: a text is
// no NAME=VALUE, a name is given twice, or `values` is given beside others.
Result<std::vector<std::string>> python_params(const std::string& file, const std::vector<std::string>& texts,
                                               const std::vector<ParamSpec>& own);

// A NAME=VALUE in its two parts.
Result<std::pair<std::string, std::string>> name_and_value(const std::string& text);

}  // namespace ride::cli
