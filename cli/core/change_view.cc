#include "cli/core/change_view.h"

#include <spdlog/fmt/fmt.h>

#include "cli/core/fields.h"
#include "cli/core/wait_words.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

std::string what_happens(const Json& change) {
  const std::string kind = text_of(change, "change");
  const auto run = count_of(change, "run");
  if (kind == "none") return fmt::format("nothing differs from run {}, which keeps running\n", run);
  if (kind == "at_once") return fmt::format("takes effect immediately, within run {}: nothing stops\n", run);
  std::string text = fmt::format(
      "needs a new run: run {0} is drained (its sources stop, all that is on its way is finished), then run {1} begins "
      "in "
      "topics of its own; no frame is lost, but what a camera shows in the meantime is not captured\n",
      run, count_of(change, "next_run"));
  for (const Json& source : list_of(change, "begins_again"))
    if (source.is_string())
      text += fmt::format("source '{}' is finite: the new run reads it again from its start\n",
                          one_line(source.get<std::string>()));
  return text;
}

}  // namespace

std::string render_change(const Json& change) {
  std::string text;
  for (const Json& one : list_of(change, "differences"))
    text += fmt::format("  {}{}\n", text_of(one, "text"), flag_of(one, "at_once") ? "" : "   (needs a new run)");
  return text + what_happens(change);
}

std::string size_text(const Json& stage) {
  const auto has = static_cast<std::int64_t>(list_of(stage, "workers").size()), wanted = count_of(stage, "wanted");
  const bool bounded = number_of(stage, "min") && number_of(stage, "max");
  const auto min = bounded ? count_of(stage, "min") : wanted, max = bounded ? count_of(stage, "max") : wanted;
  std::string text = fmt::format("{} of {}", has, min);
  if (min != max) text += fmt::format("..{}", max);
  const bool fixed = min == max && wanted == max;
  if (has != wanted && !fixed) text += fmt::format(", wants {}", wanted);
  if (flag_of(stage, "held")) text += ", held";
  return text;
}

std::string render_sizes(const Json& sizes) {
  std::string text;
  for (const Json& stage : list_of(sizes, "stages")) {
    const auto wanted = count_of(stage, "wanted"), min = count_of(stage, "min"), max = count_of(stage, "max");
    const auto bounds = min == max ? fmt::format("{}", min) : fmt::format("{}..{}", min, max);
    text += fmt::format("{}/{}: {}", text_of(sizes, "job"), text_of(stage, "stage"), counted(wanted, "worker"));
    if (flag_of(stage, "held"))
      text += fmt::format(", held; its topology says {}", bounds);
    else
      text += min == max ? ", as its topology says" : ", sized by the frame rate within " + bounds;
    text += "\n";
  }
  return text + render_lacks(sizes);
}

}  // namespace ride::cli
