#include "cli/core/trace_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "common/text.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<TraceStep> in_order(std::vector<TraceStep> steps) {
  std::stable_sort(steps.begin(), steps.end(), [](const TraceStep& a, const TraceStep& b) {
    return std::tie(a.frame, a.written, a.part) < std::tie(b.frame, b.written, b.part);
  });
  return steps;
}

// Kafka's times are whole milliseconds, a capture's are not: what lies within one is "at once". A larger negative time
// is shown, since it shows that the clocks of two machines differ.
double after_ms(const TraceStep& step) {
  const auto after = std::chrono::duration<double, std::milli>(step.written - step.captured).count();
  return after > -1 ? std::max(0.0, after) : after;
}

std::string what_became(const TraceStep& step) {
  std::string text = step.repeated          ? "written again, dropped by readers"
                     : step.outcome.empty() ? "counts"
                                            : step.outcome;
  if (step.hidden) text = "hidden by a higher origin, dropped by readers";
  if (!step.reason.empty()) text += " (" + step.reason + ")";
  if (step.repeated || step.hidden || step.reader.empty()) return text;
  return text + (step.acked ? ", ACKed by " : ", waits for ") + step.reader;
}

Tone tone_of(const TraceStep& step) {
  if (step.repeated) return Tone::dim;
  return step.outcome == "dead" || step.hidden ? Tone::bad
         : step.acked || step.reader.empty()   ? Tone::good
                                               : Tone::warning;
}

}  // namespace

Result<TraceTarget> parse_trace_target(const std::string& text) {
  const Error wrong{
      ErrorCode::invalid_argument,
      "'" + text + "' does not name a frame; write SOURCE/NUMBER, for example gate/1042, or SOURCE/SESSION/NUMBER"};
  const auto last = text.rfind('/');
  if (last == std::string::npos || last == 0) return wrong;
  const auto number = number_of(std::string_view(text).substr(last + 1));
  if (!number) return wrong;
  const auto head = text.substr(0, last);
  const auto middle = head.rfind('/');
  if (middle == std::string::npos) return TraceTarget{head, std::nullopt, *number};
  const auto session = number_of(std::string_view(head).substr(middle + 1));
  if (!session || middle == 0) return wrong;
  return TraceTarget{head.substr(0, middle), session, *number};
}

std::string render_trace(const Trace& trace, const Style& style) {
  std::string text;
  std::string frame;
  std::optional<Table> table;
  const auto flush = [&] {
    if (table) text += table->render(style, 0, "  ");
    table.reset();
  };
  for (const auto& step : in_order(trace.steps)) {
    if (step.frame != frame || !table) {
      flush();
      frame = step.frame;
      text += fmt::format("{} of job {} (run {}), captured {}\n", style.paint(one_line(frame), Tone::bold),
                          one_line(trace.job), trace.run, format_time(step.captured));
      table.emplace(std::vector<Column>{{"after ms", Align::right},
                                        {"from"},
                                        {"into"},
                                        {"offset", Align::right},
                                        {"part"},
                                        {"written by"},
                                        {"what became of it"}});
    }
    table->add({fmt::format("{:.0f}", after_ms(step)), step.upstream, fmt::format("{}/{}", step.topic, step.partition),
                std::to_string(step.offset), step.parts == 1 ? "" : fmt::format("{}/{}", step.part, step.parts),
                step.writer, Cell(what_became(step), tone_of(step))});
  }
  flush();
  if (std::any_of(trace.steps.begin(), trace.steps.end(), [](const TraceStep& step) { return after_ms(step) < 0; }))
    text +=
        "a negative time: the clock of the machine that captured the frame is ahead of the clock that stamped the "
        "record\n";
  if (trace.unseen > 0)
    text += fmt::format(
        "{} already deleted (every stage has ACKed what was in them); `keep: 10m` on a topic keeps them longer\n",
        counted(trace.unseen, "record of the job was", "records of the job were"));
  return text;
}

nlohmann::ordered_json trace_to_json(const Trace& trace) {
  nlohmann::ordered_json json = {
      {"job", trace.job}, {"run", trace.run}, {"wanted", trace.wanted}, {"unseen", trace.unseen}};
  auto list = nlohmann::ordered_json::array();
  for (const auto& step : in_order(trace.steps))
    list.push_back({{"frame", step.frame},
                    {"captured", format_time(step.captured)},
                    {"written", format_time(step.written)},
                    {"after_ms", after_ms(step)},
                    {"from", step.upstream},
                    {"topic", step.topic},
                    {"partition", step.partition},
                    {"offset", step.offset},
                    {"part", step.part},
                    {"parts", step.parts},
                    {"writer", step.writer},
                    {"outcome", step.outcome},
                    {"reason", step.reason},
                    {"repeated", step.repeated},
                    {"hidden", step.hidden},
                    {"reader", step.reader},
                    {"acked", step.acked}});
  json["steps"] = std::move(list);
  return json;
}

Error not_traced(const Trace& trace) {
  std::string text = fmt::format("no record of {} is in the topics of job {} (run {})", one_line(trace.wanted),
                                 one_line(trace.job), trace.run);
  if (trace.unseen > 0)
    text +=
        fmt::format("; {} already deleted, since every stage has ACKed what was in them: give the topics `keep: 10m`",
                    counted(trace.unseen, "record was", "records were"));
  return Error{ErrorCode::not_found, text};
}

}  // namespace ride::cli
