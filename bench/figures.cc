#include "bench/figures.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

namespace ride::bench {

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

double median(const std::vector<double>& values) { return percentile(values, 0.5); }

namespace {

// What is nested is named with dots: "agent.gap_ms".
void flatten(const Figures& figures, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& lines) {
  for (const auto& [name, value] : figures.items()) {
    if (value.is_object()) {
      flatten(value, prefix + name + ".", lines);
      continue;
    }
    lines.emplace_back(prefix + name, value.is_number_float() ? fmt::format("{:.3f}", value.get<double>())
                                      : value.is_string()     ? value.get<std::string>()
                                                              : value.dump());
  }
}

}  // namespace

std::string as_table(const Figures& figures) {
  std::vector<std::pair<std::string, std::string>> lines;
  flatten(figures, "", lines);
  std::size_t width = 0;
  for (const auto& [name, text] : lines) width = std::max(width, name.size());
  std::string table;
  for (const auto& [name, text] : lines) table += fmt::format("  {:<{}}  {}\n", name, width, text);
  return table;
}

}  // namespace ride::bench
