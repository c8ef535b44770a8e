#include "topology/brackets.h"

#include <vector>

namespace ride::topology {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Outside of brackets one opens a list or a map only at the beginning of a value: "path: out/{seq}.jpg" is text. An
// anchor may stand before it.
bool begins_value(std::string_view line_before) {
  const auto trim = [&] {
    while (!line_before.empty() && blank(line_before.back())) line_before.remove_suffix(1);
  };
  trim();
  if (const auto word = line_before.find_last_of(" \t");
      word != std::string_view::npos && line_before[word + 1] == '&') {
    line_before = line_before.substr(0, word);
    trim();
  }
  return line_before.empty() || line_before.back() == ':' || line_before.back() == '-';
}

// Behind the quoted text that begins at `at`; the end of the text where it is not closed.
std::size_t behind_quote(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (++at; at < text.size() && text[at] != quote; ++at)
    if (quote == '"' && text[at] == '\\') ++at;
  return at;
}

}  // namespace

std::optional<std::size_t> unclosed_bracket(std::string_view text) {
  std::vector<std::size_t> open;
  std::size_t line = 0;  // where it begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char before = i == 0 ? '\n' : text[i - 1];
    if (c == '\n') {
      line = i + 1;
    } else if (c == '#' && blank(before)) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if ((c == '"' || c == '\'') && (blank(before) || before == '{' || before == '[' || before == ',')) {
      i = behind_quote(text, i);
    } else if ((c == '{' || c == '[') && (!open.empty() || begins_value(text.substr(line, i - line)))) {
      open.push_back(i);
    } else if ((c == '}' || c == ']') && !open.empty()) {
      if ((text[open.back()] == '{') != (c == '}')) return open.back();  // another one is closed
      open.pop_back();
    }
  }
  return open.empty() ? std::nullopt : std::optional(open.back());
}

}  // namespace ride::topology
