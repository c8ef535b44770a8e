// Which bracket of a text that is not valid YAML is never closed: yaml-cpp says only where it could not go on. By
// looking at brackets, quotes and comments alone; an aid for messages, no parser. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ride::topology {

// Its offset in the text; nothing where all are closed.
std::optional<std::size_t> unclosed_bracket(std::string_view text);

}  // namespace ride::topology
