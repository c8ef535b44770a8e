// Text on its way to people. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ride {

// One event stays one line, and a terminal obeys nothing in it, whatever a file name, a header or a remote message
// holds. What is no printable character is written as an escape: \n, \x1b (control characters and bytes that are no
// UTF-8), \u202e (C1 controls, line separators, and what turns the direction of the text or hides in it). The result is
// UTF-8.
std::string one_line(std::string_view text);

// The same for a text of several lines of ours that may quote others: line breaks stay.
std::string printable_lines(std::string_view text);

// Bytes of the well-formed UTF-8 character at `at` (Unicode 15, table 3-7), 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);

// Where `what` stands as a whole word or path, not as a part of another one. A text of fewer than four bytes could be
// any word: it is replaced only where quotes stand around it.
std::string replace_whole(std::string text, std::string_view what, std::string_view with);

}  // namespace ride
