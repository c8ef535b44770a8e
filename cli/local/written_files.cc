#include "cli/local/written_files.h"

#include <algorithm>
#include <set>

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMostFiles = 200'000;  // looked at: a summary must not take minutes

bool is_new_file(const fs::directory_entry& entry, fs::file_time_type since) {
  std::error_code failed;
  return entry.is_regular_file(failed) && entry.last_write_time(failed) >= since && !failed;
}

// "9.jpg" before "10.jpg": a shorter name of the same folder has the smaller number.
bool in_order(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

}  // namespace

fs::path fixed_folder(const std::string& path_template) {
  const auto brace = path_template.find('{');
  const std::string fixed = path_template.substr(0, brace);
  const auto slash = fixed.rfind('/');
  return slash == std::string::npos ? fs::path(".") : fs::path(slash == 0 ? "/" : fixed.substr(0, slash));
}

std::vector<WrittenFiles> find_written_files(const topology::Topology& topology, fs::file_time_type since) {
  std::vector<WrittenFiles> all;
  for (const auto& stage : topology.stages()) {
    const auto path = stage.params.find("path");
    if (!stage.sink || path == stage.params.end() || type_of(path->second) != ParamType::string) continue;
    const auto& text = std::get<std::string>(path->second);
    if (text.empty()) continue;
    std::error_code failed;
    const fs::path folder = fs::weakly_canonical(fs::absolute(fixed_folder(text), failed), failed);
    WrittenFiles files{.sink = stage.name, .folder = folder.string(), .count = 0, .first = {}, .last = {}};
    std::int64_t looked_at = 0;
    for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end;
         !failed && at != end; at.increment(failed)) {
      if (++looked_at > kMostFiles) break;
      if (!is_new_file(*at, since)) continue;
      const std::string name = at->path().lexically_relative(folder).string();
      ++files.count;
      if (files.first.empty() || in_order(name, files.first)) files.first = name;
      if (files.last.empty() || in_order(files.last, name)) files.last = name;
    }
    all.push_back(std::move(files));
  }
  return all;
}

}  // namespace ride::cli
