// The declarations of the built-in tasks by theme; catalog.cc joins them. Internal to this folder.
#pragma once

#include <vector>

#include "common/task_decl.h"

namespace ride::tasks {

std::vector<TaskDecl> filter_declarations();
std::vector<TaskDecl> people_declarations();
std::vector<TaskDecl> sink_declarations();

}  // namespace ride::tasks
