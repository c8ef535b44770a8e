#include "common/key_spec.h"

#include "common/units.h"

namespace ride {

const KeySpec* Section::find(std::string_view key) const {
  for (const KeySpec& spec : keys) {
    if (spec.name == key) return &spec;
  }
  return nullptr;
}

std::vector<std::string> Section::names() const {
  std::vector<std::string> names;
  for (const KeySpec& spec : keys) names.push_back(spec.name);
  return names;
}

std::string default_words(const KeySpec& key) {
  if (!key.default_text.empty() || !key.default_value) return key.default_text;
  if (key.type == KeyType::duration) return format_duration(milliseconds(std::get<std::int64_t>(*key.default_value)));
  return to_string(*key.default_value);
}

}  // namespace ride
