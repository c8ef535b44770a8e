#include "cli/core/table.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "common/text.h"

namespace ride::cli {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::dim:
      return "\x1b[2m";
    case Tone::bold:
      return "\x1b[1m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::warning:
      return "\x1b[33m";
    case Tone::bad:
      return "\x1b[31m";
  }
  return "";
}

// Bytes of the code point or escape sequence that begins at `at`, and its columns.
struct Piece {
  std::size_t bytes = 1, columns = 1;
};
Piece piece_at(std::string_view text, std::size_t at) {
  if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '[') {
    std::size_t end = at + 2;
    while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
    return {std::min(end + 1, text.size()) - at, 0};
  }
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return {end - at, 1};
}

std::string padded(const Cell& cell, std::size_t width, Align align, bool last, const Style& style) {
  const std::size_t used = display_width(cell.text);
  const std::string gap(width > used ? width - used : 0, ' ');
  const std::string shown = style.paint(cell.text, cell.tone);
  if (align == Align::right) return gap + shown;
  return last ? shown : shown + gap;
}

}  // namespace

std::string Style::paint(std::string_view text, Tone tone) const {
  if (!colour || tone == Tone::plain || text.empty()) return std::string(text);
  return std::string(code_of(tone)) + std::string(text) + std::string(kReset);
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = piece_at(text, at);
    columns += piece.columns;
    at += piece.bytes;
  }
  return columns;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::string kept;
  std::size_t used = 0;
  bool styled = false;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = piece_at(text, at);
    if (piece.columns == 0) styled = text.substr(at, piece.bytes) != kReset;
    if (used + piece.columns > columns - 1) break;
    kept += text.substr(at, piece.bytes);
    used += piece.columns;
    at += piece.bytes;
  }
  return kept + "…" + (styled ? std::string(kReset) : "");
}

void Table::add(std::vector<Cell> row) {
  RIDE_CHECK(row.size() == columns_.size(), "a row has another number of cells than the table has columns");
  for (Cell& cell : row)
    cell.text = one_line(cell.text);  // names and reasons come from records that anybody may have written
  rows_.push_back(std::move(row));
}

std::string Table::render(const Style& style, std::size_t width, std::string_view indent) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t widest = display_width(columns_[c].title);
    for (const auto& row : rows_) widest = std::max(widest, display_width(row[c].text));
    widths.push_back(widest);
  }
  std::string text;
  const auto add_line = [&](const auto& cell_at) {
    std::string line(indent);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const bool last = c + 1 == columns_.size();
      line += padded(cell_at(c), widths[c], columns_[c].align, last, style);
      if (!last) line += "  ";
    }
    text += (width == 0 ? line : fit(line, width)) + "\n";
  };
  add_line([&](std::size_t c) { return Cell(columns_[c].title, Tone::dim); });
  for (const auto& row : rows_) add_line([&](std::size_t c) { return row[c]; });
  return text;
}

std::string progress_bar(double fraction, std::size_t columns) {
  const double clear = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
  const auto full = static_cast<std::size_t>(std::floor(clear * static_cast<double>(columns)));
  std::string bar;
  for (std::size_t i = 0; i < columns; ++i) bar += i < full ? "█" : "░";
  return bar;
}

}  // namespace ride::cli
