// Which files a job's sinks write: no two frames may get the same name, or one picture silently takes another's place.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>

#include "common/task_files.h"
#include "topology/draft.h"

namespace ride::topology {
namespace {

// On how many ways the frames of each source (or adopted topic) come to a stage: 2 stands for more than one.
using Ways = std::map<std::string, int>;

class FileCheck {
 public:
  FileCheck(Context& context, const std::vector<SourceDraft>& sources, const std::vector<StageDraft>& stages,
            const std::vector<std::size_t>& order)
      : context_(context) {
    for (const auto& draft : sources) ways_[draft.source.name][draft.source.name] = 1;
    for (const auto& draft : sources) live_[draft.source.name] = !draft.source.finite;
    for (const auto& draft : sources) kinds_[draft.source.name] = draft.source.kind;
    for (const auto index : order) {
      const auto& stage = stages[index].stage;
      auto& ways = ways_[stage.name];
      if (stage.topic.adopt) ways["topic " + stage.topic.adopt->name] = 1;
      for (const auto& upstream : stage.from)
        for (const auto& [source, count] : ways_[upstream.name]) ways[source] = std::min(2, ways[source] + count);
    }
  }

  void run(const std::vector<StageDraft>& stages) {
    for (const auto& draft : stages) {
      const auto* files = draft.task == nullptr ? nullptr : &draft.task->files;
      if (files == nullptr || files->hold == FilesDecl::Hold::lines) continue;
      if (const auto path = files_template(draft.task, draft.stage.params); !path.empty()) check(draft, path);
    }
  }

 private:
  struct Writer {
    const StageDraft* draft;
    std::string path;
  };

  static bool uses(const std::string& path, const std::string& field) {
    return path.find("{" + field + "}") != std::string::npos || path.find("{" + field + ":") != std::string::npos;
  }

  void check(const StageDraft& draft, const std::string& path) {
    const auto& ways = ways_[draft.stage.name];
    check_ways(draft, path, ways);
    if (uses(path, "file") || uses(path, "file_stem")) check_files_have_names(draft, path, ways);
    if (ways.size() > 1 && !uses(path, "source"))
      context_.error(draft.name_place,
                     fmt::format("{} writes pictures of {} sources, and its path '{}' does not distinguish them: those "
                                 "with the same {} would take each other's place",
                                 draft.label, ways.size(), path, uses(path, "seq") ? "number" : "file name"),
                     "put {source} into the path");
    const bool live = std::any_of(ways.begin(), ways.end(), [&](const auto& entry) {
      const auto found = live_.find(entry.first);
      return found != live_.end() && found->second;
    });
    if (live && !uses(path, "session") && !context_.failed())
      context_.warning(draft.name_place,
                       fmt::format("the path '{}' of {} has no {{session}}: whenever a source begins again, its "
                                   "pictures take the places of earlier ones",
                                   path, draft.label),
                       "put {session} into the path");
    check_others(draft, path, ways);
  }

  // Of an adopted topic it is not known: its frames may be those of a directory.
  void check_files_have_names(const StageDraft& draft, const std::string& path, const Ways& ways) {
    for (const auto& [source, count] : ways) {
      const auto kind = kinds_.find(source);
      if (kind == kinds_.end() || kind->second == nullptr || kind->second->frames_have_files) continue;
      context_.error(
          draft.name_place,
          fmt::format("the path '{}' of {} has the name of the picture's file in it, and the frames of the {} "
                      "'{}' come from no file of their own",
                      path, draft.label, kind->second->name, source),
          "use {seq} instead, with {source} and {session}");
      return;
    }
  }

  // Frames of one source that come on two ways have the same name at their end.
  void check_ways(const StageDraft& draft, const std::string& path, const Ways& ways) {
    for (const auto& [source, count] : ways) {
      if (count < 2) continue;
      bool apart = uses(path, "from");  // and each entry of `from` brings the source once
      std::vector<std::string> through;
      for (const auto& upstream : draft.stage.from) {
        const auto& theirs = ways_[upstream.name];
        const auto found = theirs.find(source);
        if (found == theirs.end()) continue;
        through.push_back(upstream.name);
        apart = apart && found->second == 1;
      }
      if (apart) continue;
      if (through.size() > 1)
        context_.error(draft.name_place,
                       fmt::format("each frame of '{}' comes to {} through {}: all would be written under one name",
                                   source, draft.label, fmt::join(through, " and ")),
                       "put {from} into the path (the stage or source that a picture comes from), or give each a sink "
                       "of its own");
      else
        context_.error(draft.name_place,
                       fmt::format("each frame of '{}' comes to {} more than once, through '{}', which reads it on "
                                   "several ways: all would be written under one name",
                                   source, draft.label, through.front()),
                       "give each of the stages that lead there a sink of its own");
      return;
    }
  }

  void check_others(const StageDraft& draft, std::string path, const Ways& ways) {
    for (const std::string field = "{stage}"; path.find(field) != std::string::npos;)
      path.replace(path.find(field), field.size(), draft.stage.name);
    for (const auto& other : writers_) {
      if (other.path != path) continue;
      const auto& theirs = ways_[other.draft->stage.name];
      const bool meet = !uses(path, "source") || std::any_of(ways.begin(), ways.end(), [&](const auto& entry) {
        return theirs.contains(entry.first);
      });
      if (!meet) continue;
      context_.error(draft.name_place,
                     fmt::format("{} writes files of the same names as {} in line {}: '{}'", draft.label,
                                 other.draft->label, other.draft->name_place.line, path),
                     "put {stage} into the path, or give each a folder of its own");
      break;
    }
    writers_.push_back({&draft, path});
  }

  Context& context_;
  std::map<std::string, Ways> ways_;
  std::map<std::string, bool> live_;
  std::map<std::string, const SourceDecl*> kinds_;
  std::vector<Writer> writers_;
};

}  // namespace

void check_files(Context& context, const std::vector<SourceDraft>& sources, const std::vector<StageDraft>& stages,
                 const std::vector<std::size_t>& order) {
  FileCheck(context, sources, stages, order).run(stages);
}

}  // namespace ride::topology
