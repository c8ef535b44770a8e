// The topic of artifacts as `ride artifacts` shows it: which files are there, and which of them no job needs. Pure.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/json.h"
#include "stream/core/artifact.h"

namespace ride::cli {

struct ListedArtifact {
  stream::ArtifactUpload upload;
  std::vector<std::string> used_by;  // "job/stage param", of jobs that are not over
};

// `uses`: the master's answer (GET /artifacts). In order of names.
std::vector<ListedArtifact> list_artifacts(const stream::ArtifactIndex& index, const nlohmann::json& uses);

// Keys of the uploads (stream::upload_key) that jobs which are not over use, by the same answer.
std::set<std::string> used_uploads(const nlohmann::json& uses);

// What no job uses, and no submit has named since `grace`: a submit that has just found it there may be about to name
// it.
std::vector<ListedArtifact> prunable(const std::vector<ListedArtifact>& all, SystemTime now,
                                     std::chrono::milliseconds grace);

std::string artifact_table(const std::vector<ListedArtifact>& all);
nlohmann::json to_json(const std::vector<ListedArtifact>& all);

}  // namespace ride::cli
