// The options of `ride` that also stand in the environment and in a file: declared once (setting_specs()), and for each
// it is known which of flag, RIDE_* variable, file and default won. Pure: texts in, values out.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/environment.h"
#include "common/param.h"
#include "common/result.h"

namespace ride::cli {

const std::vector<ParamSpec>& setting_specs();
const ParamSpec& setting_spec(const std::string& name);  // a name that is not declared is a bug

std::string variable_of(const std::string& name);  // "kafka-config" -> "RIDE_KAFKA_CONFIG"

// A text from a flag, a variable or a file as a value of the declared type. Error: as check_param() says it.
Result<ParamValue> parse_param_text(const ParamSpec& spec, const std::string& text);

enum class Origin { flag, environment, file, fallback };
const char* to_string(Origin origin);  // "flag", "environment", "file", "default"

struct Setting {
  ParamValue value;
  Origin origin = Origin::fallback;
  std::string place;  // "--brokers", "RIDE_BROKERS", "ride.conf:3"; empty for a default
};

struct SettingsFile {
  std::string name;  // as shown; empty: there is none
  struct Line {
    std::string value;
    int line = 0;
  };
  std::map<std::string, Line> values;
};

// "key = value" a line, '#' begins a comment, quotes around a value are taken off. Error: file, line, cause, fix.
Result<SettingsFile> parse_settings_file(const std::string& name, std::string_view text);

class Settings {
 public:
  const Setting& at(const std::string& name) const;  // of setting_specs() only
  const std::string& text(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  bool is_default(const std::string& name) const { return at(name).origin == Origin::fallback; }

 private:
  friend Result<Settings> resolve_settings(const std::map<std::string, std::string>&, const Environment&,
                                           const SettingsFile&);
  std::map<std::string, Setting> values_;
};

// Flag before environment before file before default. Error (invalid_argument): names the place of the bad value.
Result<Settings> resolve_settings(const std::map<std::string, std::string>& flags, const Environment& environment,
                                  const SettingsFile& file);

}  // namespace ride::cli
