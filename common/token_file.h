// Tokens that open a master's API: read from a file, so that none stands on a command line or in a log. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride {

inline constexpr std::size_t kShortestToken = 16;

// One token a line; empty lines and those that begin with '#' are none. permission: others than its owner and group may
// read the file; invalid_argument: a line is no token (its number is reported, never its text), or there is none.
Result<std::vector<std::string>> read_token_file(const std::string& path);

// Whether `text` can be one: 16 to 512 printable ASCII characters without blanks.
bool is_token(std::string_view text);

// Takes the same time wherever the two differ.
bool same_token(std::string_view given, std::string_view known);

}  // namespace ride
