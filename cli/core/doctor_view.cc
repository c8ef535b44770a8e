#include "cli/core/doctor_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/core/task_view.h"
#include "common/json.h"

namespace ride::cli {
namespace {

Tone tone_of(Finding finding) {
  switch (finding) {
    case Finding::good:
      return Tone::good;
    case Finding::note:
      return Tone::warning;
    case Finding::bad:
      return Tone::bad;
  }
  return Tone::plain;
}

}  // namespace

const char* finding_text(Finding finding) {
  switch (finding) {
    case Finding::good:
      return "ok";
    case Finding::note:
      return "note";
    case Finding::bad:
      return "missing";
  }
  return "missing";
}

bool all_needed(const std::vector<Check>& checks) {
  return std::none_of(checks.begin(), checks.end(), [](const Check& check) { return check.finding == Finding::bad; });
}

std::string render_checks(const std::vector<Check>& checks, const Style& style, std::size_t width) {
  std::size_t longest = 0;
  for (const Check& check : checks) longest = std::max(longest, check.name.size());
  const std::string indent(9 + longest + 2, ' ');
  std::string text;
  for (const Check& check : checks) {
    std::string detail = wrapped(check.detail, width == 0 ? 120 : width, indent);
    detail.erase(0, std::min(indent.size(), detail.size()));
    text += fmt::format("{}  {:<{}}  {}",
                        style.paint(fmt::format("{:<7}", finding_text(check.finding)), tone_of(check.finding)),
                        check.name, longest, detail.empty() ? "\n" : detail);
    if (!check.fix.empty()) text += style.paint(wrapped("→ " + check.fix, width == 0 ? 120 : width, indent), Tone::dim);
  }
  text += all_needed(checks) ? "\neverything that RIDE needs is there\n"
                             : "\nsomething that RIDE needs is missing: see above\n";
  return text;
}

nlohmann::ordered_json checks_to_json(const std::vector<Check>& checks) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Check& check : checks)
    list.push_back(
        {{"name", check.name}, {"finding", finding_text(check.finding)}, {"detail", check.detail}, {"fix", check.fix}});
  return {{"ok", all_needed(checks)}, {"checks", std::move(list)}};
}

}  // namespace ride::cli
