#include "common/text.h"

#include <spdlog/fmt/fmt.h>

#include <cctype>
#include <cstdint>

namespace ride {

namespace {

// The character's number; of a well-formed sequence.
char32_t code_point(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first;
  char32_t code = first & (0xFFu >> (sequence.size() + 1));
  for (const char c : sequence.substr(1)) code = (code << 6) | (static_cast<unsigned char>(c) & 0x3Fu);
  return code;
}

bool is_printable(char32_t code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return false;
  if (code == 0x61C || code == 0x180E || code == 0xFEFF) return false;
  if (code >= 0x200B && code <= 0x200F) return false;  // without width, and marks of direction
  if (code >= 0x2028 && code <= 0x202E) return false;  // separators of lines, embeddings and overrides of direction
  if (code >= 0x2060 && code <= 0x206F) return false;  // isolates, and other marks that nobody sees
  return code < 0xE0000 || code > 0xE007F;             // tags: a text within the text
}

std::string printable(std::string_view text, bool keep_lines) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const auto sequence = text.substr(at, length == 0 ? 1 : length);
    at += sequence.size();
    const auto byte = static_cast<unsigned char>(sequence[0]);
    if (sequence == "\n") {
      shown += keep_lines ? "\n" : "\\n";
    } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
    } else if (const char32_t code = code_point(sequence); !is_printable(code)) {
      shown += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
    } else {
      shown += sequence;
    }
  }
  return shown;
}

bool is_part_of_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || byte >= 0x80 || std::string_view("_-./%+~@").find(c) != std::string_view::npos;
}

bool is_quote(char c) { return c == '\'' || c == '"' || c == '`'; }

bool stands_alone(std::string_view text, std::size_t at, std::size_t size) {
  constexpr std::size_t kDistinct = 4;
  const char before = at == 0 ? ' ' : text[at - 1], behind = at + size < text.size() ? text[at + size] : ' ';
  if (size < kDistinct) return is_quote(before) && is_quote(behind);
  const bool sentence_ends = behind == '.' && (at + size + 1 == text.size() || text[at + size + 1] == ' ');
  return !is_part_of_word(before) && (!is_part_of_word(behind) || behind == '/' || sentence_ends);
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(at), second = byte(at + 1);
  if (at < text.size() && first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(at + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

std::string one_line(std::string_view text) { return printable(text, false); }
std::string printable_lines(std::string_view text) { return printable(text, true); }

std::string replace_whole(std::string text, std::string_view what, std::string_view with) {
  if (what.empty()) return text;
  for (std::size_t at = text.find(what); at != std::string::npos;) {
    const bool whole = stands_alone(text, at, what.size());
    if (whole) text.replace(at, what.size(), with);
    at = text.find(what, at + (whole ? with.size() : 1));
  }
  return text;
}

}  // namespace ride
