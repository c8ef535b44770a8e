#include "cli/local/resume.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "cli/local/picture_files.h"
#include "common/output_folders.h"
#include "common/sha256.h"
#include "process/proc.h"
#include "process/whole_file.h"
#include "topology/recipe.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

using topology::Stage;
using topology::Topology;

bool writes_pictures(const Stage& stage) { return !picture_template(stage).empty(); }

// Of what a sink has written.
std::string version_on_disk(const std::string& path) {
  struct stat state {};
  return ::stat(path.c_str(), &state) == 0 ? file_version(state) : std::string();
}
// Of a picture that is read.
std::string version_of_input(const fs::path& path) {
  struct stat state {};
  return ::stat(path.c_str(), &state) == 0 ? input_version(state) : std::string();
}

// What keeps a stage from being taken up picture by picture; empty: nothing.
std::string obstacle(const Stage& stage) {
  const auto* task = tasks::builtin_catalog().find(stage.task);
  if (task == nullptr)
    return fmt::format("its task {} is of a plug-in, and which version of it is not noted down", stage.task);
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

using Key = std::tuple<std::string, std::string, std::string, std::string>;  // sink, from, source, file
using Lines = std::map<Key, WrittenLine>;

Key key_of(const WrittenLine& line) { return {line.sink, line.from, line.source, line.file}; }

fs::path log_of(const Topology& topology, const Stage& sink) {
  return written_log_path(picture_template(sink), topology.name(), sink.name);
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
      : topology_(topology),
        recipe_(recipe),
        any_recipe_(any_recipe),
        lines_(read_logs(topology)),
        wanted_(picture_files(topology)) {}

  Result<void> look_at(const topology::Source& source, DonePictures& done) {
    RIDE_ASSIGN(const auto pictures, list_pictures_of(source));
    done.all += std::ssize(pictures.names);
    std::int64_t number = 0;
    for (const auto& name : pictures.names) {
      const auto version = version_of_input(fs::path(pictures.folder) / name);
      const State state = version.empty() ? State::open : state_of(source.name, name, number, version);
      if (state == State::done) done.by_source[source.name][number] = name;
      done.done += state == State::done ? 1 : 0;
      done.otherwise += state == State::otherwise ? 1 : 0;
      ++number;
    }
    return {};
  }

 private:
  enum class State { open, done, otherwise };

  State state_of(const std::string& source, const std::string& file, std::int64_t number, const std::string& version) {
    const auto wanted = wanted_.find(source);
    if (wanted == wanted_.end()) return State::open;  // it leads to no file
    State state = State::done;
    for (const auto& one : wanted->second) {
      const auto line = lines_.find({one.sink, one.from, source, file});
      if (line == lines_.end() || line->second.version != version ||
          (one.by_number() && line->second.number != number) ||
          version_on_disk(line->second.path) != line->second.written)
        return State::open;
      const bool same_recipe = line->second.recipe == recipe_;
      // It may lie where another version of the topology wanted it, and not where this one does.
      const bool in_place =
          one.by_run() ? same_recipe : line->second.path == name_of(one, topology_.name(), source, file, number);
      if (!in_place || (!any_recipe_ && !same_recipe)) state = State::otherwise;
    }
    return state;
  }

  const Topology& topology_;
  const std::string& recipe_;
  const bool any_recipe_;
  const Lines lines_;
  const std::map<std::string, std::vector<PictureFile>> wanted_;
};

// The hash of its content: a file that was copied or touched is the same one, and one that was changed is another,
// whatever its time says.
Result<std::string> hash_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string block(std::size_t{1} << 20, '\0');
  Sha256 sum;
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    sum.add(std::string_view(block).substr(0, static_cast<std::size_t>(in.gcount())));
  }
  if (!in.eof())
    return Error{ErrorCode::permission,
                 fmt::format("the file {} cannot be read: let this user read it, or correct its path", path)};
  return sum.hex();
}

// The file of this machine that a parameter means; empty: none. A known model's name means the file that is installed.
Result<std::string> file_meant(const Stage& stage, const std::string& param, const std::string& value) {
  const auto* task = tasks::builtin_catalog().find(stage.task);
  if (task != nullptr && task->files.param != nullptr && param == task->files.param) return std::string();  // written
  const auto plain = value.starts_with(kNodePrefix) ? value.substr(std::strlen(kNodePrefix)) : value;
  std::string path = plain;
  for (const auto& spec : task == nullptr ? std::vector<ParamSpec>() : task->params)
    if (spec.name == param && spec.file) {
      RIDE_ASSIGN(auto located, spec.file->locate(plain));
      path = located.value_or("");
    }
  std::error_code failed;
  return fs::is_regular_file(path, failed) ? path : std::string();
}

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

Result<std::string> recipe_of(const Topology& topology) {
  std::string text = recipe_text(topology);
  for (const auto& stage : topology.stages()) {
    for (const auto& [name, value] : stage.params) {
      const auto* given = std::get_if<std::string>(&value);
      if (given == nullptr) continue;
      RIDE_ASSIGN(const auto path, file_meant(stage, name, *given));
      if (path.empty()) continue;
      RIDE_ASSIGN(const auto hash, hash_of(path));
      text += fmt::format("\n{}.{} {}", stage.name, name, hash);
    }
  }
  return sha256_hex(text);
}

Result<DonePictures> find_done(const Topology& topology, const std::string& recipe, bool any_recipe) {
  DonePictures done;
  Finder finder(topology, recipe, any_recipe);
  for (const auto& source : topology.sources()) RIDE_TRY(finder.look_at(source, done));
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
