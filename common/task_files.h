// Where a stage's task writes files, as its declaration and its parameters say. Pure; any thread.
#pragma once

#include <string>

#include "common/task_decl.h"

namespace ride {

// The template of the names of its files: "out/{source}/{seq}.jpg". Empty: it writes none (`task` may be null), or to
// standard output.
std::string files_template(const TaskDecl* task, const ParamValues& params);

}  // namespace ride
