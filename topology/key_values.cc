// How single values are read and described (the second half of keys.h).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "common/frame.h"
#include "common/frame_shape.h"
#include "common/suggest.h"
#include "common/units.h"
#include "topology/keys.h"

namespace ride::topology {
namespace {

bool within(const KeySpec& key, double value) {
  return (!key.min || value >= *key.min) && (!key.max || value <= *key.max);
}

template <class T>
std::optional<T> parse_whole_text(std::string_view text) {
  T value{};
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<ScalarValue> whole(const KeySpec& key, const ScalarText& text) {
  const auto value = text.quoted ? std::nullopt : parse_whole_text<std::int64_t>(text.text);
  if (!value || !within(key, static_cast<double>(*value))) return std::nullopt;
  return ScalarValue(*value);
}

std::optional<ScalarValue> number(const KeySpec& key, const ScalarText& text) {
  const auto value = text.quoted ? std::nullopt : parse_whole_text<double>(text.text);
  if (!value || !std::isfinite(*value) || !within(key, *value)) return std::nullopt;
  return ScalarValue(*value);
}

std::optional<ScalarValue> boolean(const ScalarText& text) {
  if (text.quoted || (text.text != "true" && text.text != "false")) return std::nullopt;
  return ScalarValue(text.text == "true");
}

std::optional<ScalarValue> string_if(bool good, const ScalarText& text) {
  if (!good) return std::nullopt;
  return std::optional<ScalarValue>(std::in_place, text.text);
}

std::optional<ScalarValue> duration(const KeySpec& key, const ScalarText& text) {
  const auto value = parse_duration(text.text);
  if (!value.ok() || !within(key, static_cast<double>(value->count()))) return std::nullopt;
  return ScalarValue(static_cast<std::int64_t>(value->count()));
}

std::optional<ScalarValue> bytes(const KeySpec& key, const ScalarText& text) {
  const auto value = parse_byte_size(text.text);
  if (!value.ok() || !within(key, static_cast<double>(value->bytes))) return std::nullopt;
  return ScalarValue(value->bytes);
}

// "25000000" or "25MP".
std::optional<ScalarValue> pixels(const KeySpec& key, const ScalarText& text) {
  std::string_view digits = text.text;
  const bool mega = digits.ends_with("MP");
  if (mega) digits.remove_suffix(2);
  const auto value = parse_whole_text<double>(digits);
  if (!value) return std::nullopt;
  const double count = *value * (mega ? 1e6 : 1);
  if (!std::isfinite(count) || !within(key, count) || count != std::floor(count)) return std::nullopt;
  return ScalarValue(static_cast<std::int64_t>(count));
}

std::optional<ScalarValue> loop(const KeySpec& key, const ScalarText& text) {
  if (const auto flag = boolean(text)) return ScalarValue(std::int64_t{std::get<bool>(*flag) ? 0 : 1});
  return whole(key, text);
}

std::string range(const KeySpec& key) {
  if (key.min && key.max) return fmt::format(" from {} to {}", *key.min, *key.max);
  if (key.min) return fmt::format(" of at least {}", *key.min);
  return key.max ? fmt::format(" of at most {}", *key.max) : "";
}

std::string duration_text(double ms) { return format_duration(milliseconds(static_cast<std::int64_t>(ms))); }
std::string bytes_text(double bytes) { return format_byte_size({static_cast<std::int64_t>(bytes)}); }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte)) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  return name.substr(0, kMaxNameLength);
}

std::string written(const KeySpec& key, std::string_view value) { return fmt::format("write {}: {}", key.name, value); }

std::string fix_choice(const KeySpec& key, const ScalarText& text) {
  const auto near = nearest(text.text, key.choices);
  if (near) return written(key, *near);
  return key.choices.size() == 1 ? written(key, key.choices.front()) : "";
}

std::string fix_boolean(const KeySpec& key, const ScalarText& text) {
  std::string lower;
  for (const char c : text.text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "true" || lower == "yes" || lower == "on") return written(key, "true");
  if (lower == "false" || lower == "no" || lower == "off") return written(key, "false");
  return written(key, key.example);
}

}  // namespace

bool is_name(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > kMaxNameLength || !plain(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-' || c == '_'; });
}

bool is_topic_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxTopicNameLength || text == "." || text == "..") return false;
  if (text.starts_with("__")) return false;  // Kafka's own
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

std::optional<ScalarValue> convert(const KeySpec& key, const ScalarText& text) {
  switch (key.type) {
    case KeyType::boolean:
      return boolean(text);
    case KeyType::integer:
      return whole(key, text);
    case KeyType::number:
      return number(key, text);
    case KeyType::text:
    case KeyType::camera:
    case KeyType::uri:
      return string_if(!text.text.empty(), text);
    case KeyType::name:
      return string_if(is_name(text.text), text);
    case KeyType::topic_name:
      return string_if(is_topic_name(text.text), text);
    case KeyType::choice:
      return string_if(std::find(key.choices.begin(), key.choices.end(), text.text) != key.choices.end(), text);
    case KeyType::duration:
      return duration(key, text);
    case KeyType::bytes:
      return bytes(key, text);
    case KeyType::pixels:
      return pixels(key, text);
    case KeyType::codec:
      return string_if(parse_codec(text.text).ok(), text);
    case KeyType::shape:
      return string_if(parse_shape(text.text, "8u").has_value(), text);
    case KeyType::fps:
      if (text.text == "max") return string_if(true, text);
      return number(key, text);
    case KeyType::loop:
      return loop(key, text);
    case KeyType::references:
    case KeyType::params:
    case KeyType::labels:
    case KeyType::files:
    case KeyType::section:
    case KeyType::source_map:
    case KeyType::stage_list:
    case KeyType::sink_list:
    case KeyType::outputs:
    case KeyType::test_list:
    case KeyType::test_input:
    case KeyType::object_list:
    case KeyType::box:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string expected(const KeySpec& key) {
  switch (key.type) {
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return "a whole number" + range(key);
    case KeyType::number:
      return "a number" + range(key);
    case KeyType::text:
      return "a text";
    case KeyType::camera:
      return "a URL, a device or its index";
    case KeyType::uri:
      return "a path or URL";
    case KeyType::name:
      return fmt::format(
          "a name of a-z, 0-9, '-' and '_' that starts with a letter or digit and has at most {} characters",
          kMaxNameLength);
    case KeyType::topic_name:
      return fmt::format("a topic's name of letters, digits, '.', '_' and '-', at most {}, not starting with '__'",
                         kMaxTopicNameLength);
    case KeyType::choice:
      return key.choices.size() == 1 ? "'" + key.choices.front() + "'"
                                     : fmt::format("one of {}", fmt::join(key.choices, ", "));
    case KeyType::duration:
      return fmt::format("a duration from {} to {}, with its unit (ms, s, m, h or d)", duration_text(*key.min),
                         duration_text(*key.max));
    case KeyType::bytes:
      return fmt::format("a size from {} to {}, with its unit (MB, GB, MiB, GiB, ...)", bytes_text(*key.min),
                         bytes_text(*key.max));
    case KeyType::pixels:
      return "a number of pixels such as 25000000 or 25MP";
    case KeyType::codec:
      return "a codec: raw, raw:zstd, png, jpeg or jpeg:QUALITY (1 to 100)";
    case KeyType::shape:
      return "a shape as rows x columns x channels, for example 900x900x1";
    case KeyType::fps:
      return fmt::format("a number of frames per second ({} to {}) or 'max'", *key.min, *key.max);
    case KeyType::loop:
      return "true, false or how many times to play";
    case KeyType::references:
      return "a list of names";
    case KeyType::params:
    case KeyType::labels:
    case KeyType::files:
    case KeyType::section:
    case KeyType::source_map:
    case KeyType::outputs:
      return "a map";
    case KeyType::stage_list:
    case KeyType::sink_list:
    case KeyType::test_list:
    case KeyType::object_list:
      return "a list";
    case KeyType::test_input:
      return "a picture's path, a list of them, or a map";
    case KeyType::box:
      return "[x, y, width, height] in pixels";
  }
  return "a value";
}

std::string fix_for(const KeySpec& key, const ScalarText& text) {
  switch (key.type) {
    case KeyType::boolean:
      return fix_boolean(key, text);
    case KeyType::choice:
      return fix_choice(key, text);
    case KeyType::duration:
      return all_digits(text.text) ? fmt::format("add a unit, for example {}: {}s", key.name, text.text)
                                   : written(key, key.example);
    case KeyType::name: {
      const std::string name = as_name(text.text);
      return written(key, name.empty() ? key.example : name);
    }
    case KeyType::integer:
    case KeyType::number:
    case KeyType::fps: {
      const bool only_quotes = text.quoted && convert(key, {text.text, false}).has_value();
      return only_quotes ? "leave out the quotes" : written(key, key.example);
    }
    case KeyType::text:
    case KeyType::camera:
    case KeyType::uri:
    case KeyType::topic_name:
    case KeyType::bytes:
    case KeyType::pixels:
    case KeyType::codec:
    case KeyType::shape:
    case KeyType::loop:
    case KeyType::references:
    case KeyType::params:
    case KeyType::labels:
    case KeyType::files:
    case KeyType::section:
    case KeyType::source_map:
    case KeyType::stage_list:
    case KeyType::sink_list:
    case KeyType::outputs:
    case KeyType::test_list:
    case KeyType::test_input:
    case KeyType::object_list:
    case KeyType::box:
      return written(key, key.example);
  }
  return "";
}

}  // namespace ride::topology
