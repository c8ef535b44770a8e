// Text on its way to people. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace ride {

// One event stays one line, and a terminal obeys nothing in it, whatever a file name or a remote message holds: control
// characters are written as \n and \x1b.
std::string one_line(std::string_view text);

std::string replace_all(std::string text, std::string_view what, std::string_view with);

}  // namespace ride
