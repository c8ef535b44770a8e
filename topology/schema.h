// What the declarations (keys.h and the tasks' parameters) say, for editors and for readers. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/task_decl.h"

namespace ride::topology {

// JSON Schema, draft 2020-12, of a topology file, with the parameters of every task.
nlohmann::ordered_json topology_schema(const TaskCatalog& catalog);

// docs/topology-reference.md: every key with type, default and meaning.
std::string reference_page();

}  // namespace ride::topology
