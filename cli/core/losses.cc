#include "cli/core/losses.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/core/fields.h"

namespace ride::cli {
namespace {

const Json& named(const Json& all, const char* list, const char* key, const std::string& name, const std::string& job) {
  static const Json nothing = Json::object();
  for (const Json& item : list_of(all, list))
    if (text_of(item, key) == name && text_of(item, "job") == job) return item;
  return nothing;
}

std::vector<std::string> upstreams_of(const Json& stage, const Upstreams& known) {
  std::vector<std::string> names;
  for (const Json& name : list_of(stage, "upstreams"))
    if (name.is_string()) names.push_back(name.get<std::string>());
  if (!names.empty()) return names;
  const auto found = known.find(text_of(stage, "stage"));
  return found == known.end() ? names : found->second;
}

}  // namespace

StageLosses losses_of(const Json& stage, const Json& stages, const Json& sources, const Upstreams& upstreams) {
  StageLosses own{count_of(stage, "filtered"), count_of(stage, "dropped"), count_of(stage, "dead"),
                  count_of(stage, "expired"), count_of(stage, "rejected")};
  const std::string job = text_of(stage, "job");
  for (const auto& name : upstreams_of(stage, upstreams)) {
    const Json& before = named(stages, "stages", "stage", name, job);
    const Json& source = named(sources, "sources", "source", name, job);
    own.filtered -= count_of(before, "filtered");
    own.dropped -= count_of(before, "dropped") + count_of(source, "dropped");
    own.dead -= count_of(before, "dead");
  }
  for (auto* count : {&own.filtered, &own.dropped, &own.dead}) *count = std::max<std::int64_t>(0, *count);
  return own;
}

std::string source_losses_text(const Json& source) {
  std::string text;
  for (const auto& [name, words] :
       {std::pair("dropped", "dropped"), std::pair("rejected", "rejected (broken or too large)"),
        std::pair("unwritten", "captured and not written when their producer ended")})
    if (const auto count = count_of(source, name); count > 0) text += fmt::format(", {} {}", count, words);
  return text;
}

}  // namespace ride::cli
