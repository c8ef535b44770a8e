#include "cli/local/written_files.h"

#include <functional>
#include <span>

#include "cli/local/path_pattern.h"
#include "common/output_folders.h"
#include "common/task_files.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMostFiles = 200'000;  // looked at: a summary must not take minutes

// "9.jpg" before "10.jpg": a shorter name of the same folder has the smaller number.
bool in_order(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

struct SinkPath {
  const topology::Stage& sink;
  const FilesDecl& files;
  std::string text;  // the template
};

std::vector<SinkPath> sink_paths(const topology::Topology& topology) {
  std::vector<SinkPath> all;
  for (const auto& stage : topology.stages()) {
    const auto* task = tasks::builtin_catalog().find(stage.task);
    if (auto text = files_template(task, stage.params); !text.empty())
      all.push_back({stage, task->files, std::move(text)});
  }
  return all;
}

// Walks only where the pattern leads.
class Walk {
 public:
  explicit Walk(std::function<void(const fs::directory_entry&)> each) : each_(std::move(each)) {}

  void down(const fs::path& folder, std::span<const PathPattern::Part> parts) {
    std::error_code failed;
    if (parts.front().deep()) return below(folder, "", parts.front());
    if (!parts.front().open()) return go(fs::directory_entry(folder / parts.front().text(), failed), parts);
    for (fs::directory_iterator
             at(folder.empty() ? "." : folder, fs::directory_options::skip_permission_denied, failed),
         end;
         !failed && at != end && left_ > 0; at.increment(failed)) {
      --left_;
      const auto name = at->path().filename();
      if (parts.front().matches(name.string())) go(fs::directory_entry(folder / name, failed), parts);
    }
  }

 private:
  // All files below `folder` whose path from there fits.
  void below(const fs::path& folder, const std::string& within, const PathPattern::Part& part) {
    std::error_code failed;
    for (fs::directory_iterator
             at(folder.empty() ? "." : folder, fs::directory_options::skip_permission_denied, failed),
         end;
         !failed && at != end && left_ > 0; at.increment(failed)) {
      --left_;
      const auto name = at->path().filename().string();
      if (name.starts_with('.')) continue;  // no part of a file's name begins so
      const fs::directory_entry entry(folder / name, failed);
      if (entry.is_directory(failed) && !entry.is_symlink(failed))
        below(entry.path(), within + name + "/", part);
      else if (entry.is_regular_file(failed) && part.matches(within + name))
        each_(entry);
    }
  }

  void go(const fs::directory_entry& entry, std::span<const PathPattern::Part> parts) {
    std::error_code failed;
    if (parts.size() > 1) {
      if (entry.is_directory(failed)) down(entry.path(), parts.subspan(1));
    } else if (entry.is_regular_file(failed)) {
      each_(entry);
    }
  }

  std::function<void(const fs::directory_entry&)> each_;
  std::int64_t left_ = kMostFiles;
};

void for_each_file(const topology::Topology& topology, const SinkPath& sink,
                   const std::function<void(const fs::directory_entry&)>& each) {
  if (const auto pattern = PathPattern::of(sink.text, topology.name(), sink.sink.name))
    Walk(each).down(pattern->absolute() ? "/" : "", pattern->parts());
}

}  // namespace

fs::path fixed_folder(const std::string& path_template) { return fixed_folder_of(path_template); }

SinkPaths files_of_sinks(const topology::Topology& topology) {
  SinkPaths all;
  for (const auto& sink : sink_paths(topology)) {
    auto& paths = all[sink.sink.name];
    for_each_file(topology, sink, [&](const fs::directory_entry& entry) { paths.insert(entry.path()); });
  }
  return all;
}

std::vector<WrittenFiles> find_written_files(const topology::Topology& topology, fs::file_time_type since,
                                             const SinkPaths& before) {
  std::vector<WrittenFiles> all;
  for (const auto& sink : sink_paths(topology)) {
    std::error_code failed;
    const fs::path folder = fs::weakly_canonical(fs::absolute(fixed_folder(sink.text), failed), failed);
    WrittenFiles files{
        .sink = sink.sink.name, .folder = folder.string(), .appends = sink.files.hold == FilesDecl::Hold::lines};
    const auto old = before.find(sink.sink.name);
    for_each_file(topology, sink, [&](const fs::directory_entry& entry) {
      std::error_code unknown;
      if (entry.last_write_time(unknown) < since || unknown) return;
      const std::string name = fs::weakly_canonical(entry.path(), unknown).lexically_relative(folder).string();
      ++files.count;
      files.anew += old != before.end() && old->second.contains(entry.path()) ? 1 : 0;
      if (files.first.empty() || in_order(name, files.first)) files.first = name;
      if (files.last.empty() || in_order(files.last, name)) files.last = name;
    });
    all.push_back(std::move(files));
  }
  return all;
}

}  // namespace ride::cli
