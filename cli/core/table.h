// Text tables and the bit of terminal styling that they use. Pure: the width and whether there is colour are arguments.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ride::cli {

enum class Tone { plain, dim, bold, good, warning, bad };

struct Style {
  bool colour = false;
  std::string paint(std::string_view text, Tone tone) const;  // unchanged without colour
};

std::size_t display_width(std::string_view text);  // columns: UTF-8 code points, escape sequences not counted
// Cut to `columns` with an ellipsis; escape sequences are kept whole.
std::string fit(std::string_view text, std::size_t columns);

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

struct Cell {
  Cell(std::string value, Tone shade = Tone::plain)
      : text(std::move(value)), tone(shade) {}  // NOLINT: implicit by intent
  Cell(const char* value) : text(value) {}      // NOLINT: implicit by intent
  std::string text;
  Tone tone = Tone::plain;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row);  // texts as one_line() writes them: colours are the cell's tone
  bool empty() const { return rows_.empty(); }
  // Title line and rows, each with '\n', two blanks between columns; a line is cut at `width` (0: never).
  std::string render(const Style& style, std::size_t width = 0, std::string_view indent = "") const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// A bar of `columns` characters, filled to `fraction` (0..1).
std::string progress_bar(double fraction, std::size_t columns);

}  // namespace ride::cli
