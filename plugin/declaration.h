// What a task of a plug-in declares, as JSON (sdk/README.md has its keys), and the TaskDecl of it. The text is foreign:
// every size, name, type and number of it is checked. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/json.h"
#include "common/task_decl.h"

namespace ride::plugin {

inline constexpr std::size_t kMostDeclarationBytes = 256 << 10;
inline constexpr std::size_t kMostTasks = 256;  // of a plug-in

// Of a task, parameter or output, as "gaussian_blur": why it is none.
std::optional<std::string> name_fault(const std::string& name);

// invalid_argument: which task, which key, what is wrong with it; without the plug-in's name.
Result<TaskDecl> parse_declaration(std::string_view text);
Result<TaskDecl> parse_declaration(const nlohmann::json& declaration);

}  // namespace ride::plugin
