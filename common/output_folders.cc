#include "common/output_folders.h"

#include <spdlog/fmt/fmt.h>

#include <filesystem>

namespace ride {
namespace fs = std::filesystem;

std::string plain_folder(const std::string& folder, const std::string& from) {
  std::string plain = (fs::path(from) / folder).lexically_normal().string();
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

std::optional<PlaceInFolder> place_in(std::string_view path, const std::vector<std::string>& folders) {
  if (path.empty() || path.ends_with('/') || folders.empty()) return std::nullopt;
  const std::string whole = (fs::path(folders.front()) / path).lexically_normal().string();
  std::optional<PlaceInFolder> found;
  for (const auto& folder : folders) {
    const std::string begin = folder.ends_with('/') ? folder : folder + "/";
    if (!whole.starts_with(begin) || whole.size() == begin.size() || whole.ends_with('/')) continue;
    if (!found || folder.size() > found->folder.size()) found = PlaceInFolder{folder, whole.substr(begin.size())};
  }
  return found;
}

std::string fixed_folder_of(const std::string& path_template) {
  const std::string fixed = path_template.substr(0, path_template.find('{'));
  const auto slash = fixed.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : fixed.substr(0, slash);
}

std::string list_folders(const std::vector<std::string>& folders) {
  return fmt::format("{}", fmt::join(folders, ", "));
}

}  // namespace ride
