#include "worker/tasks/path_template.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "common/check.h"
#include "common/suggest.h"
#include "common/text.h"

namespace ride::tasks {
namespace {

constexpr std::size_t kMaxWidth = 20;  // digits of the largest 64-bit number

std::string list_of(const std::vector<std::string>& fields) { return fmt::format("{{{}}}", fmt::join(fields, "}, {")); }

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_path(std::string_view field) { return field == "file" || field == "file_stem"; }

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lowered;
}

// Where the extension of the last part begins; npos: it has none. A name that begins with '.' is no extension.
std::size_t dot_of(std::string_view file) {
  const auto begin = file.rfind('/') == std::string_view::npos ? 0 : file.rfind('/') + 1;
  const auto dot = file.rfind('.');
  return dot == std::string_view::npos || dot <= begin ? std::string_view::npos : dot;
}

std::string safe_part(std::string_view part) {
  if (part.empty()) return "%";
  std::string name;
  for (std::size_t i = 0; i < part.size();) {
    const auto length = utf8_length(part, i);
    const auto character = part.substr(i, std::max<std::size_t>(1, length));
    const bool kept =
        length > 0 && character != "%" && !(i == 0 && character == ".") && one_line(character) == character;
    if (kept)
      name += character;
    else
      for (const char byte : character) name += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
    i += character.size();
  }
  return name;
}

}  // namespace

std::string safe_relative_path(std::string_view value) {
  std::string path;
  for (std::size_t at = 0;; ++at) {
    const auto slash = std::min(value.find('/', at), value.size());
    path += safe_part(value.substr(at, slash - at));
    if (slash == value.size()) return path;
    path += '/';
    at = slash;
  }
}

std::string_view file_stem(std::string_view file) { return file.substr(0, dot_of(file)); }

std::string file_extension(std::string_view file) {
  const auto dot = dot_of(file);
  return dot == std::string_view::npos ? std::string() : lower(file.substr(dot + 1));
}

std::string safe_file_name(std::string_view value) {
  if (value.empty()) return "%";  // no other value gives a lone '%'
  std::string name;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool inner_dot = value[i] == '.' && i > 0;  // no hidden files, no "." and ".."
    if (plain(value[i]) || inner_dot) {
      name += value[i];
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(value[i]));
    }
  }
  return name;
}

Result<PathTemplate> PathTemplate::parse(std::string_view text, const std::vector<std::string>& fields) {
  PathTemplate path;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) path.pieces_.push_back({.literal = true, .text = std::exchange(literal, {})});
  };
  if (text.find('\0') != std::string_view::npos) return invalid_argument("it holds a zero byte");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '}') return invalid_argument("it has a '}' without its '{'");
    if (text[i] != '{') {
      literal += text[i];
      continue;
    }
    const std::size_t close = text.find('}', i);
    if (close == std::string_view::npos) return invalid_argument("it has a '{' without its '}'");
    std::string_view name = text.substr(i + 1, close - i - 1);
    Piece piece{.literal = false};
    if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
      const std::string_view width = name.substr(colon + 1);
      const auto parsed = std::from_chars(width.data(), width.data() + width.size(), piece.width);
      if (parsed.ec != std::errc{} || parsed.ptr != width.data() + width.size() || piece.width > kMaxWidth) {
        return invalid_argument(
            fmt::format("the width in '{{{}}}' is not a number up to {}, as in {{seq:06}}", name, kMaxWidth));
      }
      name = name.substr(0, colon);
    }
    piece.text = name;
    if (is_path(name) && piece.width > 0)
      return invalid_argument(fmt::format("'{{{}}}' is a file's name and takes no width", name));
    if (std::find(fields.begin(), fields.end(), piece.text) == fields.end()) {
      const auto near = nearest(name, fields);
      return invalid_argument(fmt::format("it has the unknown placeholder '{{{}}}'{} Known: {}", name,
                                          near ? fmt::format(", did you mean '{{{}}}'?", *near) : ".",
                                          list_of(fields)));
    }
    end_literal();
    path.pieces_.push_back(std::move(piece));
    i = close;
  }
  end_literal();
  if (path.pieces_.empty()) return invalid_argument("it is empty");
  return path;
}

bool PathTemplate::uses(std::string_view field) const {
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& p) { return !p.literal && p.text == field; });
}

bool PathTemplate::ends_with(std::string_view field) const {
  return !pieces_.back().literal && pieces_.back().text == field;
}

std::string PathTemplate::extension() const {
  const Piece& last = pieces_.back();
  if (!last.literal) return {};
  const std::size_t dot = last.text.rfind('.');
  if (dot == std::string::npos || last.text.find('/', dot) != std::string::npos) return {};
  return lower(last.text.substr(dot + 1));
}

template <class Written>
std::string PathTemplate::filled(const std::map<std::string, std::string>& values, Written written) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    if (piece.literal) {
      text += piece.text;
      continue;
    }
    const auto value = values.find(piece.text);
    RIDE_CHECK(value != values.end(), "no value for the placeholder '" + piece.text + "'");
    const std::string name = written(piece.text, value->second);
    if (name.size() < piece.width) text.append(piece.width - name.size(), '0');
    text += name;
  }
  return text;
}

std::string PathTemplate::expand(const std::map<std::string, std::string>& values) const {
  return filled(values, [](const std::string& field, const std::string& value) {
    return is_path(field) ? safe_relative_path(value) : safe_file_name(value);
  });
}

std::string PathTemplate::fill_in(const std::map<std::string, std::string>& values) const {
  return filled(values, [](const std::string&, const std::string& value) { return value; });
}

std::optional<std::string> path_problem(const std::string& text, const std::vector<std::string>& fields,
                                        const std::vector<std::string>& extensions, const std::string& needed) {
  const auto path = PathTemplate::parse(text, fields);
  if (!path) return path.error().message;
  if (path->ends_with("file")) return std::nullopt;  // it names the frame, and brings its type
  const std::string extension = path->extension();
  if (std::find(extensions.begin(), extensions.end(), extension) == extensions.end()) {
    return fmt::format("its file type must be one of: .{}", fmt::join(extensions, ", ."));
  }
  if (path->uses(needed) || path->uses("file") || path->uses("file_stem")) return std::nullopt;
  return fmt::format("it needs {{{}}}, or all would be written under one name", needed);
}

}  // namespace ride::tasks
