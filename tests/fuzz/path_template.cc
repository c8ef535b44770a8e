// Where a sink writes to: first line the template, then a value a line. What is filled in can neither leave its folder
// nor make a new one, and different values give different names.
#include "worker/tasks/path_template.h"

#include <algorithm>

#include "common/check.h"
#include "tests/fuzz/records.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::tasks {
namespace {

void check_names(const std::vector<std::string>& values) {
  std::map<std::string, std::string> named, paths;  // by name
  for (const auto& value : values) {
    const auto name = safe_file_name(value);
    RIDE_CHECK(!name.empty() && name != "." && name != "..", "a name that is no file's");
    RIDE_CHECK(name.find('/') == name.npos && name.find('\0') == name.npos, "a name that leaves its folder");
    const auto [known, fresh] = named.try_emplace(name, value);
    RIDE_CHECK(fresh || known->second == value, "two values with one name");
    std::string path = safe_relative_path(value) + "/";
    RIDE_CHECK(path.find('\0') == path.npos, "a path with a zero byte");
    const auto [other, first] = paths.try_emplace(path, value);
    RIDE_CHECK(first || other->second == value, "two values with one path");
    for (std::size_t at = 0; at < path.size(); at = path.find('/', at) + 1)
      RIDE_CHECK(path[at] != '/' && path[at] != '.', "a path that leaves its folder, or is hidden in it");
  }
}

void check_template(std::string_view text, const std::vector<std::string>& fields,
                    const std::vector<std::string>& values) {
  const auto path = PathTemplate::parse(text, fields);
  if (!path.ok()) return;
  RIDE_CHECK(path->extension().find('/') == std::string::npos, "a type that is a folder");
  std::map<std::string, std::string> filled;
  for (std::size_t i = 0; i < fields.size(); ++i) filled[fields[i]] = values.empty() ? "" : values[i % values.size()];
  const auto expanded = path->expand(filled);
  const auto slashes = [](std::string_view in) { return std::count(in.begin(), in.end(), '/'); };
  RIDE_CHECK(path->uses("file") || path->uses("file_stem") || slashes(expanded) == slashes(text),
             "a value makes or leaves a folder");
  RIDE_CHECK(expanded.find('\0') == expanded.npos, "a path with a zero byte");
}

}  // namespace
}  // namespace ride::tasks

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  const auto lines = fuzz::lines_of(fuzz::as_text(data, size));
  if (lines.empty()) return 0;
  const std::vector<std::string> values(lines.begin() + 1, lines.end());
  tasks::check_names(values);
  for (const auto& task : tasks::builtin_catalog().all())
    if (task.files.param != nullptr) tasks::check_template(lines.front(), task.files.fields, values);
  return 0;
}
