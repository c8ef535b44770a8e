// PathTemplate: "out/{source}/{session}/{seq:06}.jpg" → the path of one file. The text between placeholders is the
// user's and is taken as it is; what is filled in comes from outside (names of sources), and can neither leave its
// folder nor make a new one: all but letters, digits, '_', '-' and inner '.' is written as %XX. {file} and {file_stem}
// alone may make folders, below the one where they stand. Pure values, no threads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride::tasks {

class PathTemplate {
 public:
  // `fields`: the placeholders that may occur. Error: unknown placeholder (with a suggestion), a brace without its
  // partner.
  static Result<PathTemplate> parse(std::string_view text, const std::vector<std::string>& fields);

  bool uses(std::string_view field) const;
  bool ends_with(std::string_view field) const;
  std::string extension() const;  // of the last literal, in lower case without the dot; empty: none
  // Every field that the template uses must be in `values`. Numbers (`{seq:06}`) are filled with zeros to their width.
  std::string expand(const std::map<std::string, std::string>& values) const;
  // The same for a text that names no file: what is filled in stays as it is.
  std::string fill_in(const std::map<std::string, std::string>& values) const;

 private:
  struct Piece {
    bool literal = true;
    std::string text;  // literal text, or the field's name
    std::size_t width = 0;
  };
  template <class Written>
  std::string filled(const std::map<std::string, std::string>& values, Written written) const;

  std::vector<Piece> pieces_;
};

// The rule above for one filled-in value; injective, never empty, never "." or "..".
std::string safe_file_name(std::string_view value);

// The path of an input file within its source's folder, for {file}: each part keeps its name, so that p01.jpg stays
// p01.jpg. Written as %XX are a '.' that begins a part, '%', control characters, what turns or hides text, and bytes
// that are no UTF-8; an empty part is a lone '%'. So whatever the value is, nothing leads out of the folder or is
// hidden in it. Injective.
std::string safe_relative_path(std::string_view value);

// "day1/p01.JPG" -> "day1/p01" and "jpg": without the extension, and the extension in lower case (empty: none).
std::string_view file_stem(std::string_view file);
std::string file_extension(std::string_view file);

// What is wrong with the template of a sink's files; nothing: all is well. `extensions`: the types that it can write;
// `needed`: the placeholder that distinguishes its files, unless the template uses {file} or {file_stem}.
std::optional<std::string> path_problem(const std::string& text, const std::vector<std::string>& fields,
                                        const std::vector<std::string>& extensions, const std::string& needed);

}  // namespace ride::tasks
