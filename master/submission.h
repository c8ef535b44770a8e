// What is handed in with `POST /jobs` and `POST /plan`: the text of a topology alone, or, as kSubmissionType, a JSON
// object of the text and of the files and plug-ins that were shipped for it (decisions 0044 and 0049). Pure. Threads:
// any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/task_decl.h"
#include "master/api.h"
#include "master/plan_service.h"
#include "stream/spec.h"

namespace ride::master {

inline constexpr const char* kSubmissionType = "application/vnd.ride.submission+json";

struct ShippedFile {
  std::string stage, param;
  stream::ArtifactRef ref;
  std::optional<std::string> value;  // of the parameter, where the file was read; absent: of a client before this was
};

struct SubmittedTopology {
  std::string topology;
  std::vector<ShippedFile> artifacts;
  bool with_files = false;  // all that its text names, for who handed it in; false: the text alone
  std::vector<BroughtPlugin> plugins = {};
};

// invalid_argument: not an object as docs/openapi.json has it, or a reference with a fault.
Result<SubmittedTopology> read_submission(const ApiRequest& request);

// invalid_argument: there is no such stage, or its task has no such parameter that names a file; the value or the list
// of files is another one here, because a ${VAR} of the text has another value for the master than for who handed it
// in.
Result<void> attach_artifacts(const SubmittedTopology& submitted, const TaskCatalog& catalog, stream::JobSpec& spec);

// Each stage whose task is one of theirs: the file, and workers that may load it.
void attach_plugins(const std::vector<BroughtPlugin>& plugins, stream::JobSpec& spec);

}  // namespace ride::master
