#include "master/submission.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/cause.h"
#include "common/json.h"
#include "stream/core/artifact.h"
#include "stream/core/control_limits.h"
#include "stream/spec_json.h"

namespace ride::master {
namespace {

Error no_submission(const std::string& why) {
  return invalid_argument(fmt::format("the body is no {}: {}", kSubmissionType, why));
}

}  // namespace

Result<SubmittedTopology> read_submission(const ApiRequest& request) {
  const auto type = request.content_type.substr(0, request.content_type.find(';'));
  if (type != kSubmissionType) return SubmittedTopology{request.body, {}};
  if (stream::is_too_deep(request.body)) return no_submission("its brackets stand too deep in each other");
  const auto json = nlohmann::json::parse(request.body, nullptr, false);
  if (!json.is_object()) return no_submission("it is no JSON object");
  SubmittedTopology submitted;
  try {
    json.at("topology").get_to(submitted.topology);
    for (const auto& one : json.at("artifacts")) {
      if (const auto misfit = stream::find_misfit(one)) return no_submission(*misfit);
      ShippedFile file{one.at("stage").get<std::string>(), one.at("param").get<std::string>(),
                       one.get<stream::ArtifactRef>()};
      if (const auto fault = find_fault(file.ref)) return no_submission(*fault);
      submitted.artifacts.push_back(std::move(file));
    }
  } catch (const nlohmann::json::exception& failure) {
    return no_submission(cause_of(failure));
  }
  return submitted;
}

Result<void> attach_artifacts(const std::vector<ShippedFile>& files, const TaskCatalog& catalog,
                              stream::JobSpec& spec) {
  for (const auto& file : files) {
    const auto stage = std::find_if(spec.stages.begin(), spec.stages.end(),
                                    [&](const stream::StageSpec& one) { return one.name == file.stage; });
    const auto* task = stage == spec.stages.end() ? nullptr : catalog.find(stage->task);
    const bool takes = task != nullptr && std::any_of(task->params.begin(), task->params.end(), [&](const auto& param) {
                         const auto value = stage->params.find(param.name);
                         return param.name == file.param && param.file && value != stage->params.end() &&
                                !is_on_node(param, value->second);
                       });
    if (!takes)
      return invalid_argument(fmt::format(
          "an artifact is given for '{}' of the stage '{}', which has no such parameter that takes a shipped file: "
          "submit with a 'ride' of the master's version",
          file.param, file.stage));
    const auto& param = *std::find_if(task->params.begin(), task->params.end(),
                                      [&](const auto& one) { return one.name == file.param; });
    if (file.ref.size > param.file->most_bytes)
      return invalid_argument(fmt::format("the artifact for '{}' of the stage '{}' has {} bytes; it may have {}",
                                          file.param, file.stage, file.ref.size, param.file->most_bytes));
    stage->artifacts[file.param] = file.ref;
  }
  return {};
}

}  // namespace ride::master
