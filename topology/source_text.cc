#include "topology/source_text.h"

#include <algorithm>
#include <array>

#include "common/check.h"
#include "common/text.h"

namespace ride::topology {

SourceText::SourceText(std::string_view text) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.emplace_back(line);
    if (end == text.size()) break;
    begin = end + 1;
  }
  if (lines_.size() > 1 && lines_.back().empty()) lines_.pop_back();  // the file ends with a line break
}

const std::string& SourceText::line(int number) const {
  RIDE_CHECK(number >= 1 && number <= lines(), "a line outside the text");
  return lines_[static_cast<std::size_t>(number - 1)];
}

SourceLocation SourceText::place(int line, int byte_column, int length) const {
  SourceLocation place;
  if (line >= lines()) {
    line = lines() - 1;
    byte_column = static_cast<int>(lines_.back().size());
  }
  place.line = std::max(0, line) + 1;
  const std::string& text = this->line(place.line);
  const auto bytes = std::clamp<std::size_t>(static_cast<std::size_t>(std::max(0, byte_column)), 0, text.size());
  place.column = static_cast<int>(code_points(std::string_view(text).substr(0, bytes)).size()) + 1;
  const int rest = static_cast<int>(code_points(text).size()) - place.column + 1;
  place.length = std::max(1, std::min(length, rest));
  return place;
}

std::vector<std::string> code_points(std::string_view text) {
  std::vector<std::string> characters;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text, i));
    characters.emplace_back(text.substr(i, length));
    i += length;
  }
  return characters;
}

bool is_control(const std::string& character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first >= 0x7F;
  return character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

}  // namespace ride::topology
