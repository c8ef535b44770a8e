#include "source_kinds/source_decl.h"

#include <algorithm>

namespace ride {

const SourceDecl* find_source_kind(std::string_view name) {
  const auto& kinds = source_kinds();
  const auto found =
      std::find_if(kinds.begin(), kinds.end(), [&](const SourceDecl& kind) { return kind.name == name; });
  return found == kinds.end() ? nullptr : &*found;
}

const SourceDecl& source_kind(std::string_view name) {
  static const SourceDecl unknown;
  const SourceDecl* found = find_source_kind(name);
  return found != nullptr ? *found : unknown;
}

std::vector<std::string> source_kind_names() {
  std::vector<std::string> names;
  for (const SourceDecl& kind : source_kinds()) names.push_back(kind.name);
  return names;
}

bool keeps_session(std::string_view kind, bool finite) {
  return finite || source_kind(kind).numbering == Numbering::by_journal;
}

ParamValues with_defaults(const SourceDecl& kind, ParamValues given) {
  for (const KeySpec& key : kind.keys) {
    if (!key.default_value) continue;
    const auto found = given.find(key.param_name());
    if (found == given.end() || type_of(found->second) != type_of(*key.default_value))
      given[key.param_name()] = *key.default_value;
  }
  return given;
}

}  // namespace ride
