#include "cli/local/picture_files.h"

#include <spdlog/fmt/fmt.h>

#include <set>
#include <unordered_map>

#include "common/environment.h"
#include "common/redact.h"
#include "common/task_files.h"
#include "process/proc.h"
#include "producer/sources/directory_source.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

using topology::Topology;
using Feeders = std::map<std::string, std::set<std::string>>;  // stage or source -> sources whose frames it passes on

Feeders feeders_of(const Topology& topology) {
  Feeders feeders;
  for (const auto& source : topology.sources()) feeders[source.name] = {source.name};
  for (const auto& stage : topology.stages())  // in flow order
    for (const auto& upstream : stage.from) {
      const auto of_it = feeders[upstream.name];
      feeders[stage.name].insert(of_it.begin(), of_it.end());
    }
  return feeders;
}

struct Picture {
  std::string source, name, sink, from;
  bool operator==(const Picture&) const = default;
};

Error same_name(const Picture& one, const Picture& other, const std::string& path) {
  const bool other_sink = one.sink != other.sink, other_source = one.source != other.source;
  const auto shown = [&](const Picture& picture) {
    return fmt::format("'{}'{}{}", picture.name, other_source ? fmt::format(" of source '{}'", picture.source) : "",
                       other_sink ? fmt::format(" by sink '{}'", picture.sink) : "");
  };
  const std::string apart = other_sink               ? "Give each sink a folder of its own in 'path'"
                            : other_source           ? "Set {source} apart in 'path', as in {source}/"
                            : one.from != other.from ? "Set {from} apart in 'path', as in {from}/"
                                                     : "Put {file} (the name with its extension) or {seq} into 'path'";
  return {ErrorCode::invalid_argument,
          fmt::format("sink '{}': {} and {} would both be written to {}, and only one of them would be left. {}, or "
                      "leave one of them out with the source's 'glob'",
                      other.sink, shown(one), shown(other), path, apart)};
}

}  // namespace

std::string picture_template(const topology::Stage& stage) {
  const auto* task = tasks::builtin_catalog().find(stage.task);
  auto path = files_template(task, stage.params);
  return !path.empty() && task->files.hold == FilesDecl::Hold::frame ? path : std::string();
}

std::map<std::string, std::vector<PictureFile>> picture_files(const Topology& topology) {
  std::map<std::string, std::vector<PictureFile>> files;
  const auto feeders = feeders_of(topology);
  for (const auto& sink : topology.stages()) {
    const auto text = picture_template(sink);
    if (text.empty()) continue;
    auto parsed = tasks::PathTemplate::parse(text, tasks::builtin_catalog().find(sink.task)->files.fields);
    std::optional<tasks::PathTemplate> path;
    if (parsed.ok()) path.emplace(std::move(*parsed));
    std::set<std::string> seen;
    for (const auto& upstream : sink.from)
      if (seen.insert(upstream.name).second)
        for (const auto& source : feeders.at(upstream.name)) files[source].push_back({sink.name, upstream.name, path});
  }
  return files;
}

std::string name_of(const PictureFile& file, const std::string& job, const std::string& source,
                    const std::string& picture, std::int64_t number) {
  if (!file.path) return {};
  return file.path->expand({{"job", job},
                            {"run", "1"},
                            {"stage", file.sink},
                            {"from", file.from},
                            {"source", source},
                            {"session", "1"},
                            {"seq", std::to_string(number)},
                            {"file", picture},
                            {"file_stem", std::string(tasks::file_stem(picture))}});
}

Result<ListedPictures> list_pictures_of(const topology::Source& source) {
  RIDE_ASSIGN(auto path, expand_variables(source.uri, process_environment()));
  producer::DirectoryOptions options{.path = path, .shown = redact(source.uri)};
  options.glob = get_string(source.params, "glob");
  options.recursive = get_bool(source.params, "recursive");
  auto names = producer::list_pictures(options);
  if (!names.ok()) return Error{names.error().code, fmt::format("source '{}': {}", source.name, names.error().message)};
  return ListedPictures{std::move(path), std::move(*names)};
}

Result<void> check_picture_names(const Topology& topology) {
  const auto files = picture_files(topology);
  std::unordered_map<std::string, Picture> taken;
  for (const auto& source : topology.sources()) {
    const auto of_source = files.find(source.name);
    if (of_source == files.end() || source.kind->input != SourceInput::picture_folder ||
        (!source.node.empty() && source.node != process::host_name()))
      continue;
    const auto pictures = list_pictures_of(source);
    if (!pictures.ok()) continue;  // it is told where it is read
    for (const auto& file : of_source->second) {
      std::int64_t number = 0;
      for (const auto& name : pictures->names) {
        const auto path = name_of(file, topology.name(), source.name, name, number++);
        if (path.empty() || name.ends_with('/')) continue;
        const Picture picture{source.name, name, file.sink, file.from};
        const auto [at, is_new] = taken.try_emplace(path, picture);
        if (!is_new && at->second != picture) return same_name(at->second, picture, path);
      }
    }
  }
  return {};
}

}  // namespace ride::cli
