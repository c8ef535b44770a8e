#include "cli/core/settings.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "common/setting_checks.h"
#include "common/suggest.h"

namespace ride::cli {
namespace {

ParamSpec text_setting(const char* name, const char* fallback, const char* doc) {
  ParamSpec spec;
  spec.name = name;
  spec.doc = doc;
  spec.default_value = ParamValue(std::string(fallback));
  return spec;
}

ParamSpec integer_setting(const char* name, std::int64_t fallback, double min, double max, const char* doc) {
  ParamSpec spec;
  spec.name = name;
  spec.type = ParamType::integer;
  spec.doc = doc;
  spec.default_value = ParamValue(fallback);
  spec.min = min;
  spec.max = max;
  return spec;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const auto& spec : setting_specs()) names.push_back(spec.name);
  return names;
}

Error bad_line(const std::string& file, int line, const std::string& why) {
  return {ErrorCode::invalid_argument, fmt::format("{}:{}: {}", file, line, why)};
}

template <class Number>
std::optional<Number> whole_number(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What a declaration cannot say: the form of an address, of a prefix, of a size. Whatever uses them may rely on it, and
// nothing is started before.
Result<void> check_form(const ParamSpec& spec, const ParamValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return {};
  if (spec.name == "brokers") return check_brokers(*text);
  if (spec.name == "prefix") return check_prefix(*text);
  if (spec.name == "tick-interval") {
    const auto interval = check_tick_interval(*text);
    return interval.ok() ? Result<void>() : interval.error();
  }
  if (spec.name != "max-message-bytes") return {};
  const auto size = check_max_message_bytes(*text);
  return size.ok() ? Result<void>() : size.error();
}

}  // namespace

const std::vector<ParamSpec>& setting_specs() {
  static const std::vector<ParamSpec> specs = {
      text_setting(
          "master", "http://127.0.0.1:7800",
          "address of the master's API, or of several as URL1,URL2; by default that of the 'ride up' that runs in the "
          "state folder, if any"),
      text_setting("token-file", "",
                   "file with the token that the master asks for, one a line (RIDE_TOKEN: the token itself); for 'up': "
                   "the master that it starts asks for these"),
      text_setting("brokers", "127.0.0.1:9092",
                   "Kafka as host:port,host:port; for 'up' and 'run': use this cluster "
                   "instead of starting a broker"),
      text_setting("prefix", "ride", "of topics and groups; separates installations that share a cluster"),
      text_setting("kafka-config", "", "file with key=value settings for Kafka's client (TLS, SASL), one a line"),
      text_setting("max-message-bytes", "16MiB", "largest message of the cluster; all size limits derive from it"),
      text_setting("state", ".ride", "folder where 'up' keeps the broker's data, ports and logs"),
      text_setting("http", "127.0.0.1:7800",
                   "where the master that 'up' and 'run' start serves its API; port 0: a free one"),
      integer_setting("broker-port", 9092, 0, 65535, "port of the broker that 'up' and 'run' start; 0: a free one"),
      integer_setting("slots", 0, 0, 1024, "workers that 'up' and 'run' start; 0: as many as the topology needs"),
      integer_setting(
          "loss-ticks", 5, 2, 1000,
          "of the master that 'up' and 'run' start: a process that falls silent is lost after so many ticks at the "
          "earliest; more on a machine that has too much to do"),
      text_setting("tick-interval", "100ms",
                   "of the master that 'up' and 'run' start: the time between two ticks, 10ms to 60s"),
  };
  return specs;
}

const ParamSpec& setting_spec(const std::string& name) {
  const auto& specs = setting_specs();
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const ParamSpec& spec) { return spec.name == name; });
  RIDE_CHECK(found != specs.end(), "no setting '" + name + "' is declared");
  return *found;
}

std::string variable_of(const std::string& name) {
  std::string variable = "RIDE_";
  for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

Result<ParamValue> parse_param_text(const ParamSpec& spec, const std::string& text) {
  ParamValue value = text;
  switch (spec.type) {
    case ParamType::boolean:
      if (text == "true" || text == "1" || text == "yes") value = true;
      if (text == "false" || text == "0" || text == "no") value = false;
      break;
    case ParamType::integer:
      if (const auto number = whole_number<std::int64_t>(text)) value = *number;
      break;
    case ParamType::number:
      if (const auto number = whole_number<double>(text)) value = *number;
      break;
    case ParamType::string:
      break;
  }
  if (spec.type != ParamType::string && type_of(value) == ParamType::string) {
    return Error{ErrorCode::invalid_argument, fmt::format("'{}' is '{}', but {} is needed: {}", spec.name, text,
                                                          spec.type == ParamType::integer  ? "an integer"
                                                          : spec.type == ParamType::number ? "a number"
                                                                                           : "true or false",
                                                          spec.doc)};
  }
  return check_param(spec, value);
}

const char* to_string(Origin origin) {
  switch (origin) {
    case Origin::flag:
      return "flag";
    case Origin::environment:
      return "environment";
    case Origin::file:
      return "file";
    case Origin::fallback:
      return "default";
  }
  return "default";
}

Result<SettingsFile> parse_settings_file(const std::string& name, std::string_view text) {
  SettingsFile file{.name = name, .values = {}};
  const auto names = setting_names();
  int number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return bad_line(name, number, "a line is 'name = value', for example 'brokers = kafka1:9092'");
    }
    const std::string key(trimmed(line.substr(0, equals)));
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      return bad_line(name, number,
                      fmt::format("unknown option '{}'{} Known: {}", key,
                                  nearest(key, names) ? did_you_mean(key, names) : ".", fmt::join(names, ", ")));
    }
    if (file.values.contains(key)) {
      return bad_line(name, number, fmt::format("'{}' is already set in line {}", key, file.values.at(key).line));
    }
    file.values[key] = {std::string(without_quotes(trimmed(line.substr(equals + 1)))), number};
  }
  return file;
}

const Setting& Settings::at(const std::string& name) const {
  const auto found = values_.find(name);
  RIDE_CHECK(found != values_.end(), "no setting '" + name + "' is declared");
  return found->second;
}

const std::string& Settings::text(const std::string& name) const { return std::get<std::string>(at(name).value); }
std::int64_t Settings::integer(const std::string& name) const { return std::get<std::int64_t>(at(name).value); }

Result<Settings> resolve_settings(const std::map<std::string, std::string>& flags, const Environment& environment,
                                  const SettingsFile& file) {
  Settings settings;
  for (const ParamSpec& spec : setting_specs()) {
    Setting setting{.value = *spec.default_value, .origin = Origin::fallback, .place = {}};
    std::string given;
    if (const auto flag = flags.find(spec.name); flag != flags.end()) {
      setting.origin = Origin::flag;
      setting.place = "--" + spec.name;
      given = flag->second;
    } else if (const auto variable = environment(variable_of(spec.name)); variable && !variable->empty()) {
      setting.origin = Origin::environment;
      setting.place = variable_of(spec.name);
      given = *variable;
    } else if (const auto line = file.values.find(spec.name); line != file.values.end()) {
      setting.origin = Origin::file;
      setting.place = fmt::format("{}:{}", file.name, line->second.line);
      given = line->second.value;
    }
    if (setting.origin != Origin::fallback) {
      auto value = parse_param_text(spec, given);
      if (!value.ok()) return Error{ErrorCode::invalid_argument, setting.place + ": " + value.error().message};
      if (auto fits = check_form(spec, *value); !fits.ok())
        return Error{ErrorCode::invalid_argument, setting.place + ": " + fits.error().message};
      setting.value = std::move(*value);
    }
    settings.values_.emplace(spec.name, std::move(setting));
  }
  return settings;
}

}  // namespace ride::cli
