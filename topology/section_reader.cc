#include "topology/section_reader.h"

#include <spdlog/fmt/fmt.h>

#include "common/check.h"
#include "common/suggest.h"
#include "topology/secrets.h"
#include "topology/source_text.h"

namespace ride::topology {
namespace {

// Texts from a file go into messages: without credentials, without control characters (a terminal could act on them),
// and not a thousand words of them.
std::string printable(const std::string& text) {
  constexpr std::size_t kMaxCharacters = 600;
  std::string out;
  std::size_t count = 0;
  for (const std::string& character : code_points(mask_secrets(text))) {
    if (++count > kMaxCharacters) return out + "...";
    out += is_control(character) ? "?" : character;
  }
  return out;
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kMaxShown = 60;
  const auto characters = code_points(text);
  if (characters.size() <= kMaxShown) return text;
  std::string out;
  for (std::size_t i = 0; i < kMaxShown; ++i) out += characters[i];
  return out + "...";
}

Diagnostic make(const std::string& file, const SourceLocation& place, const std::string& message,
                const std::string& fix, Severity severity) {
  return {.file = file,
          .line = place.line,
          .column = place.column,
          .length = place.length,
          .message = printable(message),
          .fix = printable(fix),
          .severity = severity};
}

// The section below `section` that knows the key: "partitions" written beside "topic" instead of in it. Where several
// know it, the one that is there.
const KeySpec* parent_of(const Section& section, const YamlNode& node, const std::string& key) {
  const KeySpec* parent = nullptr;
  for (const KeySpec& spec : section.keys) {
    if (spec.type != KeyType::section || spec.section->find(key) == nullptr) continue;
    if (parent == nullptr || node.find(spec.name) != nullptr) parent = &spec;
  }
  return parent;
}

}  // namespace

std::string unset_text(const std::vector<std::string>& names) {
  return names.size() == 1 ? fmt::format("the environment variable {} is not set", names.front())
                           : fmt::format("the environment variables {} are not set", fmt::join(names, ", "));
}

void Context::error(const SourceLocation& place, const std::string& message, const std::string& fix) {
  diagnostics_.push_back(make(file_, place, message, fix, Severity::error));
}

void Context::warning(const SourceLocation& place, const std::string& message, const std::string& fix) {
  diagnostics_.push_back(make(file_, place, message, fix, Severity::warning));
}

void Context::add(Diagnostic diagnostic) {
  diagnostic.file = file_;
  diagnostic.message = printable(diagnostic.message);
  diagnostic.fix = printable(diagnostic.fix);
  diagnostics_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Context::take() {
  sort_diagnostics(diagnostics_);
  return std::move(diagnostics_);
}

std::optional<Scalar> Context::scalar(const YamlNode& node, const std::string& key, const std::string& expected) {
  if (node.kind != YamlNode::Kind::scalar) {
    error(node.place, fmt::format("'{}' is {}, but {} is expected", key, kind_text(node.kind), expected),
          node.kind == YamlNode::Kind::null ? "give it a value, or remove the key" : "write a single value");
    return std::nullopt;
  }
  Scalar scalar{.text = node.text,
                .quoted = node.quoted,
                .from_environment = false,
                .shown = shortened(node.text),
                .place = node.place};
  const auto parts = parse_template(node.text);
  if (!parts.ok()) {
    error(node.place, parts.error().message, "write ${NAME} or ${NAME:-default}; a plain '$' is '$$'");
    return std::nullopt;
  }
  const auto unset = unset_variables(node.text, environment_);
  if (!unset.empty()) {
    error(node.place, unset_text(unset),
          fmt::format("set it before you submit, or give a default: ${{{}:-value}}", unset.front()));
    return std::nullopt;
  }
  auto expanded = expand_variables(node.text, environment_);
  if (!expanded.ok()) return std::nullopt;  // what can fail is reported above
  scalar.text = std::move(*expanded);
  scalar.from_environment = has_variables(node.text);
  if (scalar.from_environment) scalar.quoted = false;
  return scalar;
}

SectionReader::SectionReader(Context& context, const YamlNode& node, const Section& section, std::string where)
    : context_(context), node_(node), section_(section), where_(std::move(where)) {
  if (node.kind != YamlNode::Kind::map) {
    std::string some;
    for (const KeySpec& key : section.keys) {
      if (some.empty() || key.required)
        some += fmt::format("{}{}: {}", some.empty() ? "" : ", ", key.name, key.example);
    }
    context_.error(node.place, fmt::format("{} is {}, but a map is expected", where_, kind_text(node.kind)),
                   fmt::format("write it as key: value, for example {{ {} }}", some));
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    if (section.find(entry.key) == nullptr) report_unknown(entry);
  }
  for (const KeySpec& key : section.keys) {
    if (!key.required || node.find(key.name) != nullptr) continue;
    context_.error(node.place, fmt::format("{} has no '{}'", where_, key.name),
                   fmt::format("add {}: {}", key.name, key.example));
  }
}

void SectionReader::report_unknown(const YamlEntry& entry) {
  std::string fix = fmt::format("known here: {}", fmt::join(section_.names(), ", "));
  if (entry.key == "<<") fix = "merge keys are not supported; write the keys out, or use an alias for a whole value";
  if (const KeySpec* parent = parent_of(section_, node_, entry.key)) {
    fix = fmt::format("'{0}' belongs to '{1}': write {1}: {{ {0}: ... }}", entry.key, parent->name);
  }
  if (&section_ == &sink_section() && stage_section().find(entry.key) != nullptr) {
    fix = "a sink writes no frames; use it on a stage";
  }
  context_.error(entry.place,
                 fmt::format("unknown key '{}' in {}{}", entry.key, where_, did_you_mean(entry.key, section_.names())),
                 fix);
}

const YamlEntry* SectionReader::entry(std::string_view key) const {
  RIDE_CHECK(section_.find(key) != nullptr, "the parser reads a key that is not declared");
  return node_.kind == YamlNode::Kind::map ? node_.find(key) : nullptr;
}

SourceLocation SectionReader::place(std::string_view key) const {
  const YamlEntry* found = entry(key);
  return found != nullptr ? found->value->place : node_.place;
}

SourceLocation SectionReader::key_place(std::string_view key) const {
  const YamlEntry* found = entry(key);
  return found != nullptr ? found->place : node_.place;
}

std::optional<ScalarValue> SectionReader::value(std::string_view key) {
  const YamlEntry* found = entry(key);
  if (found == nullptr) return std::nullopt;
  const KeySpec& spec = *section_.find(key);
  const auto scalar = context_.scalar(*found->value, spec.name, expected(spec));
  if (!scalar) return std::nullopt;
  const ScalarText text{scalar->text, scalar->quoted};
  auto converted = convert(spec, text);
  if (converted) return converted;
  if (scalar->from_environment) {
    context_.error(scalar->place,
                   fmt::format("'{}' is given by {}, whose value is not {}", key, scalar->shown, expected(spec)),
                   "set the variable to a value that fits");
  } else {
    context_.error(scalar->place,
                   fmt::format("'{}' is {}{}{}, but {} is expected", key, scalar->quoted ? "\"" : "'", scalar->shown,
                               scalar->quoted ? "\"" : "'", expected(spec)),
                   fix_for(spec, text));
  }
  return std::nullopt;
}

std::optional<std::string> SectionReader::text(std::string_view key) {
  auto found = value(key);
  return found ? std::optional<std::string>(std::get<std::string>(std::move(*found))) : std::nullopt;
}

std::optional<std::int64_t> SectionReader::whole(std::string_view key) {
  const auto found = value(key);
  return found ? std::optional<std::int64_t>(std::get<std::int64_t>(*found)) : std::nullopt;
}

std::optional<double> SectionReader::number(std::string_view key) {
  const auto found = value(key);
  return found ? std::optional<double>(std::get<double>(*found)) : std::nullopt;
}

std::optional<bool> SectionReader::flag(std::string_view key) {
  const auto found = value(key);
  return found ? std::optional<bool>(std::get<bool>(*found)) : std::nullopt;
}

std::optional<milliseconds> SectionReader::duration(std::string_view key) {
  const auto found = whole(key);
  return found ? std::optional<milliseconds>(*found) : std::nullopt;
}

}  // namespace ride::topology
