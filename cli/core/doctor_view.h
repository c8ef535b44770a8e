// The findings of `ride doctor`, as text and JSON. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/core/table.h"

namespace ride::cli {

enum class Finding { good, note, bad };  // note: works, but something is not there that some topologies need
const char* to_string(Finding finding);  // "ok", "note", "missing"

struct Check {
  std::string name;  // stable, for scripts: "java", "gpu", ...
  Finding finding = Finding::good;
  std::string detail;  // what was found
  std::string fix;     // what to do about it; empty when all is well
};

std::string render_checks(const std::vector<Check>& checks, const Style& style, std::size_t width);
nlohmann::ordered_json checks_to_json(const std::vector<Check>& checks);
bool all_needed(const std::vector<Check>& checks);  // no finding is bad

}  // namespace ride::cli
