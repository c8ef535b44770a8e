// A Python file for the task `python` as text: its classes with their parameters. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/core/table.h"
#include "worker/python/script_facts.h"

namespace ride::cli {

// `file`: as it was named.
std::string render_script(const std::string& file, const python::ScriptFacts& facts, const Style& style,
                          std::size_t width);
nlohmann::json script_to_json(const std::string& file, const python::ScriptFacts& facts);

}  // namespace ride::cli
