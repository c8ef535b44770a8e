#include "cli/core/run_summary.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/core/fields.h"
#include "cli/core/losses.h"
#include "cli/core/status_view.h"
#include "common/redact.h"
#include "common/text.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

bool may_drop(const RunFacts& facts, const std::string& name) {
  return std::find(facts.may_drop.begin(), facts.may_drop.end(), name) != facts.may_drop.end();
}

std::string frames(std::int64_t count) { return counted(count, "frame"); }

// ", 3 dropped, 1 dead": only what there is.
std::string losses_text(std::initializer_list<std::pair<std::int64_t, const char*>> counts) {
  std::string text;
  for (const auto& [count, word] : counts)
    if (count > 0) text += fmt::format(", {} {}", count, word);
  return text;
}

// What the sinks have taken, in whatever way, of what has come to them.
std::int64_t waiting_frames(const Json& job) {
  std::int64_t waiting = 0;
  for (const Json& stage : list_of(job, "stages")) waiting += count_of(stage, "lag");
  return waiting;
}

std::int64_t unwritten_frames(const Json& job) {
  std::int64_t count = 0;
  for (const Json& source : list_of(job, "sources")) count += count_of(source, "unwritten");
  return count;
}

std::string files_text(const WrittenFiles& files) {
  if (files.count == 0) return fmt::format("no new file in {}", files.folder);
  const bool one = files.count == 1;
  std::string text = one ? fmt::format("{}/{}", files.folder, files.first)
                         : fmt::format("{} files in {}: {} … {}", files.count, files.folder, files.first, files.last);
  if (files.anew == 0) return text;
  const std::string which = one                         ? "it was"
                            : files.anew == files.count ? "all of them were"
                            : files.anew == 1           ? "1 of them was"
                                                        : fmt::format("{} of them were", files.anew);
  return text + fmt::format("; {} there before, and {} {}", which, files.anew == 1 ? "was" : "were",
                            files.appends ? "added to" : "overwritten");
}

// What a resumed run has done and what it did not have to do.
std::string resumed_text(const Json& job, const RunFacts& facts) {
  std::int64_t rejected = 0;
  for (const Json& source : list_of(job, "sources")) rejected += count_of(source, "rejected");
  const auto done = facts.done_now ? std::to_string(*facts.done_now) : "an unknown number";
  return fmt::format("  pictures: {} done, {} done already, {} broken\n", done, *facts.done_before, rejected);
}

}  // namespace

RunVerdict judge(const Json& job, const RunFacts& facts, bool ended_on_purpose) {
  RunVerdict verdict;
  const auto complain = [&](std::string reason) { verdict.reasons.push_back(std::move(reason)); };
  const std::string phase = text_of(job, "phase"), reason = text_of(job, "reason");
  if (phase == "failed" || (!ended_on_purpose && phase != "completed")) {
    complain(fmt::format("the job {}{}", phase_in_words(phase.empty() ? "gone" : phase),
                         reason.empty() ? "" : ": " + redact(reason)));
  }
  for (const Json& source : list_of(job, "sources")) {
    const std::string name = text_of(source, "source");
    if (count_of(source, "dropped") > 0 && !may_drop(facts, name))
      complain(fmt::format("source '{}' dropped {}", name, frames(count_of(source, "dropped"))));
    if (phase == "completed" && !text_of(source, "error").empty())
      complain(fmt::format("source '{}': {}", name, redact(text_of(source, "error"))));
  }
  for (const Json& stage : list_of(job, "stages")) {
    const std::string name = text_of(stage, "stage");
    const auto own = losses_of(stage, job, job, facts.upstreams);
    if (own.dead > 0) complain(fmt::format("stage '{}': {}", name, counted(own.dead, "dead frame")));
    if (own.expired > 0) complain(fmt::format("stage '{}': {}", name, counted(own.expired, "expired frame")));
    if (own.dropped > 0 && !may_drop(facts, name))
      complain(fmt::format("stage '{}' dropped {}", name, frames(own.dropped)));
  }
  verdict.good = verdict.reasons.empty();
  return verdict;
}

bool all_have_ended(const Json& job) {
  for (const char* list : {"sources", "stages"})
    for (const Json& one : list_of(job, list))
      if (!flag_of(one, "ended")) return false;
  return true;
}

std::string without_node(const std::string& text) {
  const auto at = text.rfind(" (node ");
  return at != std::string::npos && text.ends_with(')') ? text.substr(0, at) : text;
}

std::string render_reasons(const RunVerdict& verdict, const Style& style, const std::vector<std::string>& shown) {
  std::string text;
  for (const auto& full : verdict.reasons) {
    const auto colon = full.find(": ");
    const auto cause = without_node(colon == std::string::npos ? full : full.substr(colon + 2));
    const bool is_shown = !cause.empty() && std::any_of(shown.begin(), shown.end(), [&](const auto& line) {
      return without_node(redact(line)).ends_with(cause);
    });
    const auto reason = is_shown ? full.substr(0, colon) + " (its cause is shown above)" : full;
    text += style.paint("problem: " + reason, Tone::bad) + "\n";
  }
  return text;
}

std::string render_summary(const Json& job, const RunFacts& facts, const RunVerdict& verdict, const Style& style) {
  const std::string phase = text_of(job, "phase");
  std::string text = fmt::format("\n{}, run {}: {} after {:.1f} s\n", style.paint(text_of(job, "job"), Tone::bold),
                                 count_of(job, "run"), style.paint(phase, tone_of_phase(phase)), facts.seconds);
  for (const Json& source : list_of(job, "sources")) {
    text += fmt::format("  source  {:<12} {}{}{}\n", text_of(source, "source"), frames(count_of(source, "frames")),
                        source_losses_text(source),
                        count_of(source, "gaps") > 0
                            ? fmt::format(", {}, the longest {:.0f} ms", counted(count_of(source, "gaps"), "gap"),
                                          number_of(source, "longest_gap_ms").value_or(0))
                            : "");
  }
  for (const Json& stage : list_of(job, "stages")) {
    const auto own = losses_of(stage, job, job, facts.upstreams);
    text += fmt::format(
        "  {:<7} {:<12} {}{}{}\n", flag_of(stage, "sink") ? "sink" : "stage", text_of(stage, "stage"),
        frames(count_of(stage, "acked")),
        losses_text({{own.filtered, "filtered"},
                     {own.dropped, "dropped"},
                     {own.dead, "dead"},
                     {own.expired, "expired"},
                     {count_of(stage, "duplicates"), "repeated (left out)"}}),
        count_of(stage, "lag") > 0 && phase != "completed" ? fmt::format(", {} waiting", count_of(stage, "lag")) : "");
  }
  for (const auto& files : facts.files) text += fmt::format("  written by {}: {}\n", files.sink, files_text(files));
  if (facts.done_before) text += resumed_text(job, facts);
  for (const auto& one : facts.left_out) text += style.paint("  " + redact(one), Tone::warning) + "\n";
  if (!facts.problems_were_shown)
    for (const auto& problem : facts.problems) text += style.paint("  " + redact(problem), Tone::warning) + "\n";
  if (phase == "paused" && waiting_frames(job) > 0)
    text += fmt::format("  {} in the topics: the next 'ride up' continues with what is there\n",
                        counted(waiting_frames(job), "frame waits", "frames wait"));
  if (verdict.good) {
    text += phase == "completed"
                ? style.paint(unwritten_frames(job) == 0 ? "no frame was lost" : "no frame that reached Kafka was lost",
                              Tone::good) +
                      "\n"
                : "";
  } else {
    text += render_reasons(verdict, style, facts.problems);
  }
  return text;
}

nlohmann::ordered_json summary_to_json(const Json& job, const RunFacts& facts, const RunVerdict& verdict) {
  nlohmann::ordered_json json = {{"job", text_of(job, "job")},
                                 {"run", count_of(job, "run")},
                                 {"phase", text_of(job, "phase")},
                                 {"reason", text_of(job, "reason")},
                                 {"seconds", facts.seconds},
                                 {"good", verdict.good},
                                 {"reasons", verdict.reasons},
                                 {"frames_in", count_of(job, "frames_in")},
                                 {"frames_out", count_of(job, "frames_out")}};
  json["sources"] = nlohmann::ordered_json::array();
  for (const Json& source : list_of(job, "sources")) {
    nlohmann::ordered_json entry = {{"source", text_of(source, "source")}};
    for (const char* name : {"frames", "dropped", "rejected", "unwritten", "gaps"})
      entry[name] = count_of(source, name);
    json["sources"].push_back(std::move(entry));
  }
  json["stages"] = nlohmann::ordered_json::array();
  for (const Json& stage : list_of(job, "stages")) {
    nlohmann::ordered_json entry = {{"stage", text_of(stage, "stage")}, {"sink", flag_of(stage, "sink")}};
    for (const char* name : {"acked", "filtered", "dropped", "rejected", "dead", "expired", "duplicates", "lag"})
      entry[name] = count_of(stage, name);
    json["stages"].push_back(std::move(entry));
  }
  json["files"] = nlohmann::ordered_json::array();
  for (const auto& files : facts.files)
    json["files"].push_back({{"sink", files.sink},
                             {"folder", files.folder},
                             {"count", files.count},
                             {"anew", files.anew},
                             {"first", files.first},
                             {"last", files.last}});
  if (facts.done_before) {
    json["done_before"] = *facts.done_before;
    if (facts.done_now) json["done"] = *facts.done_now;
  }
  json["left_out"] = facts.left_out;
  json["problems"] = facts.problems;
  return json;
}

}  // namespace ride::cli
