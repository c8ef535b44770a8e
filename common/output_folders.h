// Where sinks may write: the rule that the master applies at submit and each worker when it opens a sink. Lexical: what
// symbolic links do to a path is found out where it is opened (worker/tasks/output_place.h). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ride {

// A path (or a sink's template of one: a placeholder never holds '/' or "..") within one of the folders. Relative paths
// begin in the first. `folders`: absolute, without "..".
struct PlaceInFolder {
  std::string folder;
  std::string relative;  // without "..", never empty
};
std::optional<PlaceInFolder> place_in(std::string_view path, const std::vector<std::string>& folders);

// "/srv/out" of "/srv/./x/../out/"; relative ones are taken from `from`.
std::string plain_folder(const std::string& folder, const std::string& from);

// The folder that a sink's path template writes below: "out" of "out/{source}/{seq}.jpg", "." of "{seq}.jpg".
std::string fixed_folder_of(const std::string& path_template);

// "/srv/out, /mnt/videos"
std::string list_folders(const std::vector<std::string>& folders);

}  // namespace ride
