// Reads one section of a file against its declaration (keys.h): unknown and missing keys, types, bounds, ${VAR}. All
// that is wrong becomes a diagnostic; reading goes on, so that a person sees every error at once. Internal to the
// parser.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/environment.h"
#include "common/units.h"
#include "topology/keys.h"
#include "topology/yaml_tree.h"

namespace ride::topology {

// A single value with its ${VAR}s filled in.
struct Scalar {
  std::string text;
  bool quoted = false;            // false where a variable stands in quotes: its value is read as if written plainly
  bool from_environment = false;  // never show `text`: it may be a secret
  std::string shown;              // as it stands in the file
  SourceLocation place;
};

std::string unset_text(const std::vector<std::string>& names);  // "the environment variable X is not set"

class Context {
 public:
  Context(std::string file, const Environment& environment) : file_(std::move(file)), environment_(environment) {}

  void error(const SourceLocation& place, const std::string& message, const std::string& fix);
  void warning(const SourceLocation& place, const std::string& message, const std::string& fix);
  void add(Diagnostic diagnostic);
  const Environment& environment() const { return environment_; }
  bool failed() const { return has_errors(diagnostics_); }
  bool has_many_diagnostics() const {
    return diagnostics_.size() > 200;
  }                                // so many that suggestions are no help, but cost time
  std::vector<Diagnostic> take();  // sorted

  // Nothing (and a diagnostic) for lists, maps, empty values, malformed templates and variables that are not set.
  std::optional<Scalar> scalar(const YamlNode& node, const std::string& key, const std::string& expected);

 private:
  std::string file_;
  const Environment& environment_;
  std::vector<Diagnostic> diagnostics_;
};

class SectionReader {
 public:
  // `where` names the section in messages: "stage 'clean'". Unknown and missing keys are reported here.
  SectionReader(Context& context, const YamlNode& node, const Section& section, std::string where);

  bool knows(std::string_view key) const { return section_.find(key) != nullptr; }
  bool has(std::string_view key) const { return entry(key) != nullptr; }
  const YamlEntry* entry(std::string_view key) const;  // null when absent
  SourceLocation place(std::string_view key) const;    // of its value; of the section where it is absent
  SourceLocation key_place(std::string_view key) const;

  // Nothing when absent or wrong. The key's declared type must fit the call.
  std::optional<std::string> text(std::string_view key);
  std::optional<std::int64_t> whole(std::string_view key);
  std::optional<double> number(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  std::optional<milliseconds> duration(std::string_view key);
  std::optional<ScalarValue> value(std::string_view key);

 private:
  void report_unknown(const YamlEntry& entry);

  Context& context_;
  const YamlNode& node_;
  const Section& section_;
  std::string where_;
};

}  // namespace ride::topology
