// Tasks as text: the list, and one with its parameters. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/core/table.h"
#include "common/task_decl.h"

namespace ride::cli {

std::string render_tasks(const TaskCatalog& catalog, const Style& style, std::size_t width);
std::string render_task(const TaskDecl& task, const Style& style, std::size_t width);
nlohmann::json task_to_json(const TaskDecl& task);

// Text in lines of at most `width` columns, broken at blanks; each line begins with `indent`.
std::string wrapped(const std::string& text, std::size_t width, const std::string& indent);

}  // namespace ride::cli
