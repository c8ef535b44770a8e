// Whether an answer is a RIDE master's: any web server may listen at an address, and many answer everything with some
// JSON. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace ride::cli {

// Nothing: it is one. Else what shows that it is none: "without 'jobs'". `path` below /api/v1, as "/jobs/street".
std::optional<std::string> why_no_master(const std::string& method, const std::string& path, int status,
                                         const nlohmann::json& body);

}  // namespace ride::cli
