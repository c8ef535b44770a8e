#include "master/submission.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/cause.h"
#include "common/json.h"
#include "common/plugin_permit.h"
#include "common/text.h"
#include "plugin/describe.h"
#include "stream/core/artifact.h"
#include "stream/core/control_limits.h"
#include "stream/spec_json.h"

namespace ride::master {
namespace {

constexpr std::size_t kMostPlugins = 64;

Error no_submission(const std::string& why) {
  return invalid_argument(fmt::format("the body is no {}: {}", kSubmissionType, why));
}

Error another_value(const std::string& stage, const std::string& param, const std::string& there,
                    const std::string& here) {
  return invalid_argument(
      fmt::format("'{}' of the stage '{}' is '{}' for the master, and where the topology was submitted it was '{}': a "
                  "${{VAR}} of it "
                  "has another value there. Write the value into the file, or set the variable alike in both places",
                  param, stage, here, there));
}

// With the JSON that its own `ride` had of it from a child; foreign all the same.
Result<BroughtPlugin> read_plugin(const nlohmann::json& json) {
  auto reference = json;
  reference.erase("tasks");  // its numbers are checked as declarations
  if (const auto misfit = stream::find_misfit(reference)) return no_submission(*misfit);
  BroughtPlugin plugin{json.at("file").get<std::string>(), {}, reference.get<stream::ArtifactRef>()};
  if (const auto fault = find_fault(plugin.ref)) return no_submission(*fault);
  auto tasks = plugin::parse_tasks(json.at("tasks"), one_line(plugin.file));
  if (!tasks.ok()) return no_submission(tasks.error().message);
  plugin.tasks = std::move(*tasks);
  return plugin;
}

// The declaration of a parameter whose value is no file of the nodes; null: it has none, or takes none.
const ParamSpec* file_param(const TaskCatalog& catalog, const stream::StageSpec& stage, const std::string& name) {
  const auto* task = catalog.find(stage.task);
  const auto value = stage.params.find(name);
  if (task == nullptr || value == stage.params.end()) return nullptr;
  const auto param = std::find_if(task->params.begin(), task->params.end(),
                                  [&](const ParamSpec& one) { return one.name == name && one.file; });
  return param == task->params.end() || is_on_node(*param, value->second) ? nullptr : &*param;
}

}  // namespace

Result<SubmittedTopology> read_submission(const ApiRequest& request) {
  const auto type = request.content_type.substr(0, request.content_type.find(';'));
  if (type != kSubmissionType) return SubmittedTopology{request.body, {}, false};
  if (stream::is_too_deep(request.body)) return no_submission("its brackets stand too deep in each other");
  const auto json = nlohmann::json::parse(request.body, nullptr, false);
  if (!json.is_object()) return no_submission("it is no JSON object");
  SubmittedTopology submitted;
  submitted.with_files = true;
  try {
    json.at("topology").get_to(submitted.topology);
    for (const auto& one : json.at("artifacts")) {
      if (const auto misfit = stream::find_misfit(one)) return no_submission(*misfit);
      ShippedFile file{one.at("stage").get<std::string>(), one.at("param").get<std::string>(),
                       one.get<stream::ArtifactRef>(), std::nullopt};
      if (const auto value = one.find("value"); value != one.end()) file.value = value->get<std::string>();
      if (const auto fault = find_fault(file.ref)) return no_submission(*fault);
      submitted.artifacts.push_back(std::move(file));
    }
    if (const auto plugins = json.find("plugins"); plugins != json.end()) {
      if (!plugins->is_array() || plugins->size() > kMostPlugins)
        return no_submission(fmt::format("'plugins' is no list of at most {}", kMostPlugins));
      for (const auto& one : *plugins) {
        RIDE_ASSIGN(auto plugin, read_plugin(one));
        submitted.plugins.push_back(std::move(plugin));
      }
    }
  } catch (const nlohmann::json::exception& failure) {
    return no_submission(cause_of(failure));
  }
  return submitted;
}

namespace {

Result<void> attach(const ShippedFile& file, const TaskCatalog& catalog, stream::JobSpec& spec) {
  const auto stage = std::find_if(spec.stages.begin(), spec.stages.end(),
                                  [&](const stream::StageSpec& one) { return one.name == file.stage; });
  const auto* param = stage == spec.stages.end() ? nullptr : file_param(catalog, *stage, file.param);
  if (param == nullptr)
    return invalid_argument(fmt::format(
        "an artifact is given for '{}' of the stage '{}', which has no such parameter that takes a shipped file: "
        "submit with a 'ride' of the master's version",
        file.param, file.stage));
  const auto here = std::get<std::string>(stage->params.at(file.param));
  if (file.value && *file.value != here) return another_value(file.stage, file.param, *file.value, here);
  if (file.ref.size > param->file->most_bytes)
    return invalid_argument(fmt::format("the artifact for '{}' of the stage '{}' has {} bytes; it may have {}",
                                        file.param, file.stage, file.ref.size, param->file->most_bytes));
  stage->artifacts[file.param] = file.ref;
  return {};
}

// Whether the value means a file at all; one that is not installed here is one.
bool names_file(const ParamSpec& param, const std::string& value) {
  const auto located = param.file->locate(value);
  return !located.ok() || located->has_value();
}

}  // namespace

Result<void> attach_artifacts(const SubmittedTopology& submitted, const TaskCatalog& catalog, stream::JobSpec& spec) {
  for (const auto& file : submitted.artifacts) RIDE_TRY(attach(file, catalog, spec));
  if (!submitted.with_files) return {};
  for (const auto& stage : spec.stages) {
    for (const auto& [name, value] : stage.params) {
      const auto* param = file_param(catalog, stage, name);
      if (param == nullptr || stage.artifacts.contains(name)) continue;
      if (const auto& here = std::get<std::string>(value); names_file(*param, here))
        return another_value(stage.name, name, "no file", here);
    }
  }
  return {};
}

void attach_plugins(const std::vector<BroughtPlugin>& plugins, stream::JobSpec& spec) {
  for (auto& stage : spec.stages) {
    for (const auto& plugin : plugins) {
      const auto is_its = [&](const TaskDecl& task) { return task.name == stage.task; };
      if (std::none_of(plugin.tasks.begin(), plugin.tasks.end(), is_its)) continue;
      stage.artifacts[stream::kPluginArtifact] = plugin.ref;
      stage.group.labels[kPluginLabel] = permit_word(plugin.ref.sha256);
    }
  }
}

}  // namespace ride::master
