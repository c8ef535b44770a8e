// What is wrong with a topology file, for the person who wrote it: place, cause, fix. Values; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ride::topology {

// Line and column count from 1; columns and length count characters (code points), as editors do.
struct SourceLocation {
  int line = 1;
  int column = 1;
  int length = 1;  // of what is underlined
  bool operator==(const SourceLocation&) const = default;
};

enum class Severity { error, warning };
const char* to_string(Severity severity);

struct Diagnostic {
  std::string file;
  int line = 1, column = 1, length = 1;
  std::string message;  // the cause
  std::string fix;      // what to write instead; may be empty
  Severity severity = Severity::error;
  bool operator==(const Diagnostic&) const = default;
};

bool has_errors(const std::vector<Diagnostic>& diagnostics);

// In order of places, repeated ones once.
void sort_diagnostics(std::vector<Diagnostic>& diagnostics);

// For a terminal: each with its source line, a caret under the place and the fix, and the number of errors at the end.
// Literal credentials in a shown line are starred out. `text` is what was parsed. Empty when there is nothing to say.
std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view text);

// For scripts: [{"file", "line", "column", "length", "severity", "message", "fix"}, ...].
std::string render_json(const std::vector<Diagnostic>& diagnostics);

}  // namespace ride::topology
