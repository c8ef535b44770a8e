// A YAML document as a tree with the place of every key and value, within limits (size, depth, expanded anchors). The
// only file that knows yaml-cpp is yaml_tree.cc; its exceptions end there as diagnostics. Trees are immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "topology/diagnostic.h"

namespace ride::topology {

inline constexpr std::size_t kMaxFileBytes = 1 << 20;
inline constexpr int kMaxDepth = 16;              // the deepest key of a topology lies at 5
inline constexpr std::size_t kMaxNodes = 50'000;  // counted with every use of an anchor written out

struct YamlNode;
using YamlNodePtr = std::shared_ptr<const YamlNode>;

struct YamlEntry {
  std::string key;
  SourceLocation place;  // of the key
  YamlNodePtr value;
};

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  SourceLocation place;
  std::string text;     // scalar
  bool quoted = false;  // scalar: a string, whatever it looks like
  std::vector<YamlNodePtr> items;
  std::vector<YamlEntry> entries;  // in file order, keys are unique

  const YamlEntry* find(std::string_view key) const;  // null when there is none
};
const char* kind_text(YamlNode::Kind kind);  // "a list", "a map", "a single value", "empty"

struct YamlOutcome {
  YamlNodePtr root;                     // null where the text cannot be read at all
  std::vector<Diagnostic> diagnostics;  // without a file name
};

YamlOutcome read_yaml(std::string_view text);

}  // namespace ride::topology
