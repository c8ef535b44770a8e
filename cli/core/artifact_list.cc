#include "cli/core/artifact_list.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>

#include "cli/core/fields.h"
#include "cli/core/table.h"
#include "common/units.h"

namespace ride::cli {

std::set<std::string> used_uploads(const nlohmann::json& uses) {
  std::set<std::string> keys;
  for (const auto& one : list_of(uses, "artifacts")) keys.insert(text_of(one, "sha256") + "/" + text_of(one, "upload"));
  return keys;
}

std::vector<ListedArtifact> list_artifacts(const stream::ArtifactIndex& index, const nlohmann::json& uses) {
  std::map<std::string, std::vector<std::string>> used_by;
  for (const auto& one : list_of(uses, "artifacts"))
    used_by[text_of(one, "sha256") + "/" + text_of(one, "upload")].push_back(
        fmt::format("{}/{} {}", text_of(one, "job"), text_of(one, "stage"), text_of(one, "param")));
  std::vector<ListedArtifact> all;
  for (const auto& [key, upload] : index.uploads()) all.push_back({upload, used_by[key]});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.upload.ref.name < b.upload.ref.name; });
  return all;
}

std::vector<ListedArtifact> prunable(const std::vector<ListedArtifact>& all, SystemTime now,
                                     std::chrono::milliseconds grace) {
  std::vector<ListedArtifact> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [&](const auto& one) { return one.used_by.empty() && now - one.upload.at >= grace; });
  return some;
}

std::string artifact_table(const std::vector<ListedArtifact>& all) {
  Table table({{"NAME"}, {"SHA256"}, {"SIZE", Align::right}, {"NAMED"}, {"USED BY"}});
  for (const auto& one : all) {
    const auto& ref = one.upload.ref;
    const std::string unused = one.upload.withdrawn  ? "- (a prune that removes it broke off, or goes on)"
                               : one.upload.complete ? "-"
                                                     : "- (its upload broke off, or goes on)";
    table.add({Cell(ref.name, Tone::bold), ref.sha256.substr(0, 12), format_byte_size({ref.size}),
               format_time(one.upload.at),
               one.used_by.empty() ? unused : fmt::format("{}", fmt::join(one.used_by, ", "))});
  }
  return table.render({}, 0);
}

nlohmann::json to_json(const std::vector<ListedArtifact>& all) {
  auto list = nlohmann::json::array();
  for (const auto& one : all)
    list.push_back({{"name", one.upload.ref.name},
                    {"sha256", one.upload.ref.sha256},
                    {"upload", one.upload.ref.upload},
                    {"size", one.upload.ref.size},
                    {"complete", one.upload.complete},
                    {"withdrawn", one.upload.withdrawn},
                    {"named_at", format_time(one.upload.at)},
                    {"used_by", one.used_by}});
  return list;
}

}  // namespace ride::cli
