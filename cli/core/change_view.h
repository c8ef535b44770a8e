// What a topology that was submitted again changes, and the sizes of groups, as text for people. Pure: the master's
// JSON in, text out.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ride::cli {

// `change`: what differs, one line each, and what happens: nothing, at once, or behind a drain.
std::string render_change(const nlohmann::json& change);

// "street/clean: 3 workers, held; its topology says 2..6", one line for each stage.
std::string render_sizes(const nlohmann::json& sizes);

// "3 of 2..6, held"; of a fixed size "3 of 3"; "2 of 2..6, wants 3".
std::string size_text(const nlohmann::json& stage);

}  // namespace ride::cli
