#include "cli/local/path_pattern.h"

#include <algorithm>
#include <map>

#include "worker/tasks/builtin_catalog.h"
#include "worker/tasks/path_template.h"

namespace ride::cli {
namespace {

// What stands for a field in a template that was filled in: longer than any width, so that no zeros come before it, and
// of characters that stay as they are in a file's name.
constexpr std::string_view kAny = "any-text-any-text-any-text", kDigits = "some-digits-some-digits-some",
                           kPath = "some-path-some-path-some-path";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<std::string> all_fields() {
  std::vector<std::string> all;
  for (const auto& task : tasks::builtin_catalog().all())
    all.insert(all.end(), task.files.fields.begin(), task.files.fields.end());
  return all;
}

}  // namespace

PathPattern::Part::Part(const std::string& marked) {
  for (std::size_t at = 0; at < marked.size();) {
    const auto any = marked.find(kAny, at), digits = marked.find(kDigits, at), path = marked.find(kPath, at);
    const auto next = std::min({any, digits, path, marked.size()});
    if (next > at) pieces_.push_back({Kind::literal, marked.substr(at, next - at)});
    if (next == marked.size()) break;
    pieces_.push_back({next == any ? Kind::any : next == digits ? Kind::digits : Kind::path, {}});
    at = next + (next == any ? kAny : next == digits ? kDigits : kPath).size();
  }
}

bool PathPattern::Part::deep() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.kind == Kind::path; });
}

bool PathPattern::Part::matches(const std::string& name) const {
  const bool hidden = name.starts_with('.') && pieces_.front().kind != Kind::literal;  // a field never begins so
  return !hidden && matches_from(0, name, 0);
}

bool PathPattern::Part::matches_from(std::size_t piece, const std::string& name, std::size_t at) const {
  if (piece == pieces_.size()) return at == name.size();
  const auto& [kind, text] = pieces_[piece];
  if (kind == Kind::literal)
    return name.compare(at, text.size(), text) == 0 && matches_from(piece + 1, name, at + text.size());
  for (std::size_t end = at + 1; end <= name.size(); ++end) {
    if (kind == Kind::digits && !is_digit(name[end - 1])) return false;
    if (kind == Kind::any && name[end - 1] == '/') return false;
    if (matches_from(piece + 1, name, end)) return true;
  }
  return false;
}

std::optional<PathPattern> PathPattern::of(const std::string& path_template, const std::string& job,
                                           const std::string& stage) {
  const auto fields = all_fields();
  const auto parsed = tasks::PathTemplate::parse(path_template, fields);
  if (!parsed.ok()) return std::nullopt;
  std::map<std::string, std::string> values;
  for (const auto& field : fields) values[field] = kAny;
  for (const char* field : {"run", "session", "seq", "segment"}) values[field] = kDigits;
  for (const char* field : {"file", "file_stem"}) values[field] = kPath;
  values["job"] = job;
  values["stage"] = stage;
  const std::string marked = parsed->expand(values);
  PathPattern pattern;
  pattern.absolute_ = marked.starts_with('/');
  for (std::size_t at = 0; at < marked.size();) {
    auto slash = std::min(marked.find('/', at), marked.size());
    if (marked.substr(at, slash - at).find(kPath) != std::string::npos) slash = marked.size();
    if (slash > at) pattern.parts_.emplace_back(marked.substr(at, slash - at));
    at = slash + 1;
  }
  if (pattern.parts_.empty()) return std::nullopt;
  return pattern;
}

}  // namespace ride::cli
