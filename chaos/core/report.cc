#include "chaos/core/report.h"

#include <spdlog/fmt/fmt.h>

#include "common/wording.h"

namespace ride::chaos {

namespace {

// As the plan counts. Of what nobody reported when the plan began: since the first fault.
double second_of(const Report& report, const Struck& one) {
  return seconds_between(report.plan_began == SystemTime{} ? report.faults.front().at : report.plan_began, one.at);
}

}  // namespace

std::string to_text(const Report& report) {
  std::string text =
      fmt::format("{:>3} {:>7}  {:<28} {:<12} {:>9} {:>8} {:>12} {:>13} {:>5} {:>6}\n", "#", "at s", "fault", "victim",
                  "detect ms", "gap ms", "full rate ms", "written again", "lost", "twice");
  int number = 0;
  for (const auto& one : report.faults) {
    ++number;
    if (!one.problem.empty()) {
      text += fmt::format("{:>3} {:>7}  {:<28} not done: {}\n", number, "", describe(one.fault), one.problem);
      continue;
    }
    const auto detect = one.detect_ms ? fmt::format("{:.0f}", *one.detect_ms) : "-";
    const auto full = one.effect.recovered ? fmt::format("{:.0f}", one.effect.full_rate_ms) : "never";
    text += fmt::format("{:>3} {:>7.1f}  {:<28} {:<12} {:>9} {:>8.0f} {:>12} {:>13} {:>5} {:>6}{}\n", number,
                        second_of(report, one), describe(one.fault), one.victim, detect, one.effect.gap_ms, full,
                        one.redelivered, one.lost, one.twice, one.overlaps ? "  overlaps" : "");
  }
  text += fmt::format(
      "\nseed {}: {} sent, usually {:.0f} ms late; {} lost, {} counted twice, {} written again and dropped by "
      "readers\n",
      report.seed, counted(report.sent, "frame"), report.usual_ms, report.lost, report.twice, report.redelivered);
  if (!report.crashes.empty()) text += counted(report.crashes.size(), "program") + " crashed without a fault:\n";
  for (const auto& crash : report.crashes) text += crash + "\n";
  return text;
}

nlohmann::ordered_json to_json(const Report& report) {
  nlohmann::ordered_json json = {{"seed", report.seed},
                                 {"sent", report.sent},
                                 {"lost", report.lost},
                                 {"twice", report.twice},
                                 {"redelivered", report.redelivered},
                                 {"usual_ms", report.usual_ms},
                                 {"clean", report.clean()},
                                 {"crashes", report.crashes},
                                 {"faults", nlohmann::ordered_json::array()}};
  for (const auto& one : report.faults)
    json["faults"].push_back(
        {{"fault", describe(one.fault)},
         {"kind", to_string(one.fault.kind)},
         {"victim", one.victim},
         {"at", format_time(one.at)},
         {"second", one.problem.empty() ? nlohmann::ordered_json(second_of(report, one)) : nullptr},
         {"lasts_ms", one.fault.lasts.count()},
         {"problem", one.problem},
         {"detect_ms", one.detect_ms ? nlohmann::ordered_json(*one.detect_ms) : nullptr},
         {"gap_ms", one.effect.gap_ms},
         {"full_rate_ms", one.effect.recovered ? nlohmann::ordered_json(one.effect.full_rate_ms) : nullptr},
         {"redelivered", one.redelivered},
         {"lost", one.lost},
         {"twice", one.twice},
         {"overlaps", one.overlaps}});
  return json;
}

}  // namespace ride::chaos
