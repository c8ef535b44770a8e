#include "common/environment.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>

namespace ride {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front()))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)); });
}

// What stands between "${" and "}".
Result<TemplatePart> parse_variable(std::string_view inside) {
  const std::size_t name_end = std::min(inside.find(':'), inside.size());
  const std::string_view name = inside.substr(0, name_end), rest = inside.substr(name_end);
  if (inside.find("${") != std::string_view::npos)
    return invalid_argument("a variable within a variable is not possible");
  if (!is_name(name)) return invalid_argument("a variable's name has letters, digits and '_' only, as in ${CAM_USER}");
  if (!rest.empty() && !rest.starts_with(":-")) {
    return invalid_argument(fmt::format("only ${{{0}}} and ${{{0}:-default}} are known", name));
  }
  TemplatePart part{.variable = true, .text = std::string(name), .fallback = std::nullopt};
  if (!rest.empty()) part.fallback = std::string(rest.substr(2));
  return part;
}

std::optional<std::string> value_of(const TemplatePart& part, const Environment& environment) {
  auto value = environment(part.text);
  if (part.fallback && (!value || value->empty())) return part.fallback;
  return value;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kKept = "-._~!$&'()*+,;=%";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || kKept.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

// Does the literal text from part `at` on close credentials ('@' before the authority ends)?
bool credentials_close_after(const std::vector<TemplatePart>& parts, std::size_t at) {
  for (std::size_t i = at; i < parts.size(); ++i) {
    if (parts[i].variable) continue;
    const std::size_t stop = parts[i].text.find_first_of("@/?#");
    if (stop != std::string::npos) return parts[i].text[stop] == '@';
  }
  return false;
}

// Where we stand in a URI, known from its literal text so far.
bool inside_authority(const std::string& before) {
  const std::size_t scheme = before.find("://");
  return scheme != std::string::npos && before.find_first_of("@/?#", scheme + 3) == std::string::npos;
}

Result<std::string> expand(std::string_view text, const Environment& environment, bool is_uri) {
  auto parts = parse_template(text);
  if (!parts) return parts.error();
  const auto unset = unset_variables(text, environment);
  if (!unset.empty()) {
    return Error{ErrorCode::not_found,
                 fmt::format("the environment variable{} {} {} not set", unset.size() == 1 ? "" : "s",
                             fmt::join(unset, ", "), unset.size() == 1 ? "is" : "are")};
  }
  std::string result;
  std::string literal;  // values masked: a secret that holds "://" must not confuse us
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const TemplatePart& part = (*parts)[i];
    if (!part.variable) {
      result += part.text;
      literal += part.text;
      continue;
    }
    const std::string value = *value_of(part, environment);
    const bool secret = is_uri && inside_authority(literal) && credentials_close_after(*parts, i + 1);
    result += secret ? percent_encoded(value) : value;
    literal += secret || literal.find("://") != std::string::npos ? "x" : value;
  }
  return result;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Environment environment_of(std::map<std::string, std::string> values) {
  auto shared = std::make_shared<const std::map<std::string, std::string>>(std::move(values));
  return [shared](const std::string& name) -> std::optional<std::string> {
    const auto found = shared->find(name);
    return found == shared->end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

Result<std::vector<TemplatePart>> parse_template(std::string_view text) {
  std::vector<TemplatePart> parts;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) parts.push_back({.variable = false, .text = std::move(literal), .fallback = std::nullopt});
    literal.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      literal += text[i];
    } else if (text[i + 1] == '$') {
      literal += '$';
      ++i;
    } else if (text[i + 1] == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) return invalid_argument("'${' without '}'; a plain '$' is written '$$'");
      auto part = parse_variable(text.substr(i + 2, end - i - 2));
      if (!part) return part.error();
      flush();
      parts.push_back(std::move(*part));
      i = end;
    } else {
      literal += '$';
    }
  }
  flush();
  return parts;
}

bool has_variables(std::string_view text) {
  const auto parts = parse_template(text);
  return parts.ok() && std::any_of(parts->begin(), parts->end(), [](const auto& part) { return part.variable; });
}

std::vector<std::string> unset_variables(std::string_view text, const Environment& environment) {
  std::vector<std::string> names;
  const auto parts = parse_template(text);
  if (!parts.ok()) return names;
  for (const auto& part : *parts) {
    if (!part.variable || value_of(part, environment)) continue;
    if (std::find(names.begin(), names.end(), part.text) == names.end()) names.push_back(part.text);
  }
  return names;
}

Result<std::string> expand_variables(std::string_view text, const Environment& environment) {
  return expand(text, environment, false);
}

Result<std::string> expand_secrets(std::string_view uri_template, const Environment& environment) {
  return expand(uri_template, environment, true);
}

}  // namespace ride
