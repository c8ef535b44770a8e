// The text of a --kafka-config file. Pure.
#pragma once

#include <string>
#include <vector>

namespace ride::kafka {

// The pairs that it holds, for parse_client_settings(): one a line, blanks around it cut off, without comments.
std::vector<std::string> lines_of_settings(const std::string& text);

}  // namespace ride::kafka
