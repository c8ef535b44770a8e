// Where credentials may stand in a text, so that they are refused in files and never shown. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ride::topology {

struct Span {
  std::size_t begin = 0, end = 0;
};

// Passwords in URLs ("://user:HERE@host"), what stands alone before the '@' ("://HERE@host": a token, perhaps) and
// values of keys like password, token, api_key in their query.
std::vector<Span> secret_spans(std::string_view text);

// Does a URI hold a password or token as plain text, also as a variable's default? Variables without one are fine.
bool has_literal_secret(std::string_view uri_template);

// The text with every literal secret as stars; length and ${VAR}s stay.
std::string mask_secrets(std::string_view text);

}  // namespace ride::topology
