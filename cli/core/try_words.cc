#include "cli/core/try_words.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/json.h"
#include "common/text.h"

namespace ride::cli {

bool is_python_file(const std::string& task) { return task.size() > 3 && task.ends_with(".py"); }
bool is_plugin_file(const std::string& task) { return task.size() > 3 && task.ends_with(".so"); }

Result<std::pair<std::string, std::string>> name_and_value(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return invalid_argument(fmt::format("--param '{}' is not NAME=VALUE, for example --param ksize=7", one_line(text)));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<std::vector<std::string>> python_params(const std::string& file, const std::vector<std::string>& texts,
                                               const std::vector<ParamSpec>& own) {
  std::vector<std::string> params = {"file=" + file};
  auto values = nlohmann::json::object();
  bool values_given = false;
  for (const auto& text : texts) {
    RIDE_ASSIGN(const auto param, name_and_value(text));
    const auto& [name, value] = param;
    if (std::any_of(own.begin(), own.end(), [&name = name](const ParamSpec& spec) { return spec.name == name; })) {
      values_given = values_given || name == "values";
      params.push_back(text);
      continue;
    }
    if (values.contains(name)) return invalid_argument(fmt::format("--param {} is given twice", one_line(name)));
    auto parsed = nlohmann::json::parse(value, nullptr, false);
    values[name] = parsed.is_discarded() ? nlohmann::json(value) : std::move(parsed);
  }
  if (values.empty()) return params;
  if (values_given)
    return invalid_argument("--param values is given beside parameters of the class: give all of them in one way");
  params.push_back("values=" + values.dump());
  return params;
}

}  // namespace ride::cli
