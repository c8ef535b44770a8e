// The part of JSON Schema 2020-12 that our schema uses, for tests: a keyword that is not known fails the test.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "topology/yaml_tree.h"

namespace ride::topology {

// What is wrong with `value`, each with its path; empty: valid.
std::vector<std::string> validate(const nlohmann::json& root, const nlohmann::json& schema, const nlohmann::json& value,
                                  const std::string& path = "");

// As an editor sees it: plain scalars by their looks.
nlohmann::json to_json(const YamlNode& node);

}  // namespace ride::topology
