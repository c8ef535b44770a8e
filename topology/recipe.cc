#include "topology/recipe.h"

#include "common/json.h"
#include "common/version.h"

namespace ride::topology {

std::string recipe_text(const Topology& topology) {
  nlohmann::json recipe = {{"job", topology.name()}, {"version", version()}};
  // A job's own names stand in the files' names.
  for (const auto& source : topology.sources())
    recipe["sources"][source.name] = {{"kind", source.kind->name},
                                      {"reads", source.uri},
                                      {"codec", source.codec},
                                      {"max_pixels", source.max_pixels},
                                      {"params", params_to_json(source.params)}};
  for (const auto& stage : topology.stages()) {
    auto from = nlohmann::json::array();
    for (const auto& upstream : stage.from) from.push_back({upstream.name, upstream.port});
    recipe["stages"][stage.name] = {{"from", std::move(from)},
                                    {"task", stage.task},
                                    {"params", params_to_json(stage.params)},
                                    {"codec", stage.codec},
                                    {"max_pixels", stage.max_pixels}};
  }
  // Names of files may be any bytes; here they only have to differ.
  return recipe.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace ride::topology
