// The text of a file by lines and characters, for places in messages. Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "topology/diagnostic.h"

namespace ride::topology {

class SourceText {
 public:
  explicit SourceText(std::string_view text);

  int lines() const { return static_cast<int>(lines_.size()); }  // at least 1
  const std::string& line(int number) const;                     // from 1, without its line break

  // A place from a line and a column in bytes, both from 0. What lies outside the text is moved to its end.
  SourceLocation place(int line, int byte_column, int length = 1) const;

 private:
  std::vector<std::string> lines_;
};

// The characters of valid UTF-8; a byte that fits nowhere stands alone.
std::vector<std::string> code_points(std::string_view text);
bool is_control(const std::string& character);

// Offset of the first byte that is not UTF-8 (overlong forms, surrogates and code points above 10FFFF included).
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

}  // namespace ride::topology
