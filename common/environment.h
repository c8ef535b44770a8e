// ${VAR} in texts: the one place that knows how variables are written and filled in. `${VAR}` and `${VAR:-default}`
// (the default also stands in for an empty value), `$$` is a plain `$`. Messages name variables, never their values:
// those may be secrets. Pure, except process_environment().
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride {

// Looks a variable up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

Environment process_environment();
Environment environment_of(std::map<std::string, std::string> values);

struct TemplatePart {
  bool variable = false;
  std::string text;                     // literal text, or the variable's name
  std::optional<std::string> fallback;  // of a variable: what stands behind ":-"
};

// invalid_argument: "${" without "}", a bad name, a nested variable or another operator than ":-".
Result<std::vector<TemplatePart>> parse_template(std::string_view text);

bool has_variables(std::string_view text);  // false also for what parse_template() refuses

// Variables without a value and without a default, in order, each once. Empty for a malformed text.
std::vector<std::string> unset_variables(std::string_view text, const Environment& environment);

// Fills in all variables. not_found: names those that are not set.
Result<std::string> expand_variables(std::string_view text, const Environment& environment);

// The same for a URI that holds credentials as variables. A value that lands between "://" and "@" has the characters
// that would end it there ('@', '/', ':', ...) percent-encoded; '%' is kept, so that encoded values pass as they are.
// Only the process that opens the URI calls this, and it logs the template, never the result.
Result<std::string> expand_secrets(std::string_view uri_template, const Environment& environment);

}  // namespace ride
