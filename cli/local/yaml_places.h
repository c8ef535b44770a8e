// Where something stands in a topology's text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "topology/yaml_tree.h"

namespace ride::cli {

// Null: it is not there.
inline const topology::YamlNode* child_of(const topology::YamlNode* node, std::string_view key) {
  const auto* entry = node == nullptr || node->kind != topology::YamlNode::Kind::map ? nullptr : node->find(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

// A stage or sink.
inline const topology::YamlNode* stage_named(const topology::YamlNode* root, const std::string& name) {
  for (const char* list : {"sinks", "stages"})
    if (const auto* items = child_of(root, list))
      for (const auto& item : items->items)
        if (const auto* own = child_of(item.get(), "name"); own != nullptr && own->text == name) return item.get();
  return nullptr;
}

}  // namespace ride::cli
