#include "topology/diagnostic.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <tuple>

#include "common/json.h"
#include "common/wording.h"
#include "topology/secrets.h"
#include "topology/source_text.h"

namespace ride::topology {
namespace {

constexpr int kTabWidth = 4;
constexpr int kShownColumns = 160;

struct ShownLine {
  std::string text;
  int caret = 0;   // columns before the caret
  int length = 1;  // of the underline
};

// The line as it is printed: tabs as blanks, what could act on a terminal as '?', a long line cut around the place.
ShownLine show_line(const std::string& line, int column, int length) {
  std::vector<std::string> cells;
  ShownLine shown;
  int at = 1, caret_end = 0;
  for (const std::string& character : code_points(line)) {
    if (at == column) shown.caret = static_cast<int>(cells.size());
    if (character == "\t") {
      cells.insert(cells.end(), kTabWidth, " ");
    } else {
      cells.push_back(is_control(character) ? "?" : character);
    }
    if (at < column + length) caret_end = static_cast<int>(cells.size());
    ++at;
  }
  const int total = static_cast<int>(cells.size());
  if (column >= at) shown.caret = total;
  shown.length = std::max(1, caret_end - shown.caret);
  int begin = 0, end = total;
  if (total > kShownColumns) {
    begin = std::max(0, std::min(shown.caret - kShownColumns / 2, total - kShownColumns));
    end = begin + kShownColumns;
    shown.length = std::max(1, std::min(shown.length, end - shown.caret));
  }
  for (int i = begin; i < end; ++i) shown.text += cells[static_cast<std::size_t>(i)];
  shown.caret -= begin;
  return shown;
}

std::string render_one(const Diagnostic& d, const SourceText& source) {
  const std::string number = std::to_string(d.line);
  const std::string margin(number.size(), ' ');
  std::string text = fmt::format("{}: {}\n", to_string(d.severity), d.message);
  text += fmt::format("{}--> {}:{}:{}\n", margin, d.file, d.line, d.column);
  if (d.line <= source.lines()) {
    const ShownLine line = show_line(mask_secrets(source.line(d.line)), d.column, d.length);
    text += fmt::format("{} |\n{} | {}\n", margin, number, line.text);
    text += fmt::format("{} | {}{}\n", margin, std::string(static_cast<std::size_t>(line.caret), ' '),
                        std::string(static_cast<std::size_t>(line.length), '^'));
  }
  if (!d.fix.empty()) text += fmt::format("{} = fix: {}\n", margin, d.fix);
  return text + "\n";
}

}  // namespace

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
  }
  return "error";
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::error; });
}

void sort_diagnostics(std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end()), diagnostics.end());
}

std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view text) {
  if (diagnostics.empty()) return "";
  const SourceText source(text);
  std::string out;
  std::size_t errors = 0;
  for (const Diagnostic& d : diagnostics) {
    out += render_one(d, source);
    if (d.severity == Severity::error) ++errors;
  }
  const std::size_t warnings = diagnostics.size() - errors;
  out += errors == 0 ? "" : counted(errors, "error");
  if (errors != 0 && warnings != 0) out += ", ";
  out += warnings == 0 ? "" : counted(warnings, "warning");
  return out + "\n";
}

std::string render_json(const std::vector<Diagnostic>& diagnostics) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Diagnostic& d : diagnostics) {
    list.push_back({{"file", d.file},
                    {"line", d.line},
                    {"column", d.column},
                    {"length", d.length},
                    {"severity", to_string(d.severity)},
                    {"message", d.message},
                    {"fix", d.fix}});
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace ride::topology
