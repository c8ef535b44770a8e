#include "cli/local/resume.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/environment.h"
#include "common/output_folders.h"
#include "common/sha256.h"
#include "common/task_files.h"
#include "process/proc.h"
#include "process/whole_file.h"
#include "producer/sources/directory_source.h"
#include "topology/recipe.h"
#include "worker/tasks/builtin_catalog.h"
#include "worker/tasks/path_template.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

using topology::Stage;
using topology::Topology;

// A sink that writes a file for each picture.
bool writes_pictures(const Stage& stage) {
  const auto* task = tasks::builtin_catalog().find(stage.task);
  return !files_template(task, stage.params).empty() && task->files.hold == FilesDecl::Hold::frame;
}

std::string path_of(const Stage& sink) { return files_template(tasks::builtin_catalog().find(sink.task), sink.params); }

std::string version_on_disk(const std::string& path) {
  struct stat state {};
  return ::stat(path.c_str(), &state) == 0 ? file_version(state) : std::string();
}

// What keeps a stage from being taken up picture by picture; empty: nothing.
std::string obstacle(const Stage& stage) {
  const auto* task = tasks::builtin_catalog().find(stage.task);
  if (task == nullptr) return "this program does not know its task";
  if (task->needs_order || task->warmup_frames > 0)
    return fmt::format("what the task {} makes of a picture depends on the pictures before it", stage.task);
  if (stage.topic.adopt) return "it reads a topic of others";
  if (!stage.outputs.empty())
    return fmt::format("it also writes into the topic {}, and what came there is not known", stage.outputs[0].topic);
  if (task->files.param != nullptr && !writes_pictures(stage))
    return fmt::format("what the sink {} has done with a picture is not known afterwards", stage.task);
  return {};
}

std::string obstacle(const topology::Source& source) {
  if (source.kind->input != SourceInput::picture_folder) return "it is no folder of pictures";
  if (!source.node.empty() && source.node != process::host_name())
    return fmt::format("its folder lies on the node {}", source.node);
  return {};
}

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

// One file that a picture of some source leads to.
struct Wanted {
  std::string sink, from;
  bool by_number = false;  // the number stands in its name
};
std::map<std::string, std::vector<Wanted>> wanted_of(const Topology& topology) {
  std::map<std::string, std::vector<Wanted>> wanted;
  const auto feeders = feeders_of(topology);
  for (const auto& sink : topology.stages()) {
    if (!writes_pictures(sink)) continue;
    const auto* task = tasks::builtin_catalog().find(sink.task);
    const auto path = tasks::PathTemplate::parse(path_of(sink), task->files.fields);
    std::set<std::string> seen;
    for (const auto& upstream : sink.from)
      if (seen.insert(upstream.name).second)
        for (const auto& source : feeders.at(upstream.name))
          wanted[source].push_back({sink.name, upstream.name, !path.ok() || path->uses("seq")});
  }
  return wanted;
}

using Key = std::tuple<std::string, std::string, std::string, std::string>;  // sink, from, source, file
using Lines = std::map<Key, WrittenLine>;

Key key_of(const WrittenLine& line) { return {line.sink, line.from, line.source, line.file}; }

fs::path log_of(const Topology& topology, const Stage& sink) {
  return written_log_path(path_of(sink), topology.name(), sink.name);
}

// The lines of a log; what is longer than any line of ours is passed over, and comes as an empty one.
class LogLines {
 public:
  explicit LogLines(const fs::path& log) : in_(log, std::ios::binary), buffer_(kLongestWrittenLine + 2) {}

  // Nothing: the file has ended.
  std::optional<std::string_view> next() {
    in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    if (!in_.fail()) return std::string_view(buffer_.data());
    if (in_.eof() || in_.bad()) return std::nullopt;
    in_.clear();
    in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    return std::string_view();
  }

 private:
  std::ifstream in_;
  std::vector<char> buffer_;
};

// The last line of each file counts. A log is as long as a run had pictures: read line by line.
Lines read_logs(const Topology& topology) {
  Lines lines;
  for (const auto& sink : topology.stages()) {
    std::error_code failed;
    if (!writes_pictures(sink) || !fs::is_regular_file(log_of(topology, sink), failed)) continue;
    LogLines log(log_of(topology, sink));
    for (auto text = log.next(); text; text = log.next())
      if (auto line = parse_written_line(*text); line && line->sink == sink.name)
        lines[key_of(*line)] = std::move(*line);
  }
  return lines;
}

class Finder {
 public:
  Finder(const Topology& topology, const std::string& recipe, bool any_recipe)
      : recipe_(recipe), any_recipe_(any_recipe), lines_(read_logs(topology)), wanted_(wanted_of(topology)) {}

  void look_at(const topology::Source& source, DonePictures& done) {
    const auto path = expand_variables(source.uri, process_environment());
    if (!path.ok()) return;
    producer::DirectoryOptions options{.path = *path};
    options.glob = get_string(source.params, "glob");
    options.recursive = get_bool(source.params, "recursive");
    const auto names = producer::list_pictures(options);
    if (!names.ok()) return;
    done.all += std::ssize(*names);
    std::int64_t number = 0;
    for (const auto& name : *names) {
      const auto version = version_on_disk((fs::path(*path) / name).string());
      const State state = version.empty() ? State::open : state_of(source.name, name, number, version);
      if (state == State::done) done.by_source[source.name][number] = name;
      done.done += state == State::done ? 1 : 0;
      done.otherwise += state == State::otherwise ? 1 : 0;
      ++number;
    }
  }

 private:
  enum class State { open, done, otherwise };

  State state_of(const std::string& source, const std::string& file, std::int64_t number, const std::string& version) {
    const auto wanted = wanted_.find(source);
    if (wanted == wanted_.end()) return State::open;  // it leads to no file
    State state = State::done;
    for (const auto& one : wanted->second) {
      const auto line = lines_.find({one.sink, one.from, source, file});
      if (line == lines_.end() || line->second.version != version || (one.by_number && line->second.number != number) ||
          version_on_disk(line->second.path) != line->second.written)
        return State::open;
      if (!any_recipe_ && line->second.recipe != recipe_) state = State::otherwise;
    }
    return state;
  }

  const std::string& recipe_;
  const bool any_recipe_;
  const Lines lines_;
  const std::map<std::string, std::vector<Wanted>> wanted_;
};

}  // namespace

std::optional<Error> why_not_resumable(const Topology& topology) {
  const auto refused = [](const std::string& what, const std::string& name, const std::string& why) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("--resume: {} '{}': {}. It is for folders of pictures that sinks of the kind write_images "
                             "turn into files, one picture at a time; run it without --resume, and all is done anew",
                             what, name, why)};
  };
  for (const auto& source : topology.sources())
    if (auto why = obstacle(source); !why.empty()) return refused("source", source.name, why);
  for (const auto& stage : topology.stages())
    if (auto why = obstacle(stage); !why.empty()) return refused(stage.sink ? "sink" : "stage", stage.name, why);
  const auto& stages = topology.stages();
  if (std::none_of(stages.begin(), stages.end(), writes_pictures))
    return refused("topology", topology.name(), "it writes no file");
  return std::nullopt;
}

std::string recipe_of(const Topology& topology) {
  std::string text = recipe_text(topology);
  for (const auto& stage : topology.stages())
    for (const auto& [name, value] : stage.params)
      if (const auto* file = std::get_if<std::string>(&value))
        if (const auto version = version_on_disk(*file); !version.empty())
          text += fmt::format("\n{}.{} {}", stage.name, name, version);
  return sha256_hex(text);
}

DonePictures find_done(const Topology& topology, const std::string& recipe, bool any_recipe) {
  DonePictures done;
  Finder finder(topology, recipe, any_recipe);
  for (const auto& source : topology.sources()) finder.look_at(source, done);
  return done;
}

Result<void> start_logs(const Topology& topology, const std::string& recipe, const DonePictures& done) {
  const auto lines = read_logs(topology);
  std::map<std::string, std::set<std::string>> counted;  // by source: files that count as done
  for (const auto& [source, items] : done.by_source)
    for (const auto& [number, name] : items) counted[source].insert(name);
  for (const auto& sink : topology.stages()) {
    if (!writes_pictures(sink)) continue;
    std::string text;
    for (const auto& [key, noted] : lines) {
      if (noted.sink != sink.name || version_on_disk(noted.path) != noted.written) continue;
      auto line = noted;
      const auto names = counted.find(line.source);
      if (names != counted.end() && names->second.contains(line.file)) line.recipe = recipe;
      text += to_text(line);
    }
    const auto log = log_of(topology, sink);
    std::error_code ignored;  // a log that stays says nothing that is not looked up again
    if (!text.empty())
      RIDE_TRY(process::write_whole_file(log, text));
    else
      fs::remove(log, ignored);
  }
  return {};
}

Result<void> write_done_lists(const fs::path& folder, const DonePictures& done) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return Error{ErrorCode::permission, fmt::format("cannot make {}: {}", folder.string(), failed.message())};
  for (const auto& [source, items] : done.by_source)
    RIDE_TRY(process::write_whole_file(folder / done_list_name(source), to_text(items)));
  return {};
}

}  // namespace ride::cli
