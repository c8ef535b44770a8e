#include "common/label.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride {

Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& texts) {
  constexpr std::size_t kMost = 64, kLongestName = 64, kLongestValue = 256;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  std::map<std::string, std::string> labels;
  for (const auto& text : texts) {
    const auto equals = std::min(text.find('='), text.size());
    const auto name = text.substr(0, equals), value = text.substr(std::min(equals + 1, text.size()));
    const bool good = !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), fits) &&
                      !value.empty() && value.size() <= kLongestValue;
    if (!good)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("--label '{}' is not NAME=VALUE, for example site=north", text)};
    if (!labels.emplace(name, value).second)
      return Error{ErrorCode::invalid_argument, fmt::format("--label {} is given twice", name)};
  }
  if (labels.size() > kMost)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} labels are given, and {} is the most", labels.size(), kMost)};
  return labels;
}

}  // namespace ride
