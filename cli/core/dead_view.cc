#include "cli/core/dead_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "cli/core/tap_target.h"
#include "common/json.h"
#include "common/text.h"

namespace ride::cli {
namespace {

constexpr std::string_view kEnding = ".dead";

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "ride.street.12.people.dead": the run, where it is of the job.
std::optional<std::int64_t> run_of(const std::string& topic, const std::string& before) {
  if (!topic.starts_with(before) || !topic.ends_with(kEnding)) return std::nullopt;
  const auto rest = std::string_view(topic).substr(before.size());
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos || !is_number(rest.substr(0, dot))) return std::nullopt;
  return std::stoll(std::string(rest.substr(0, dot)));
}

std::string ago(SystemTime at, SystemTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - at).count();
  if (seconds < 60) return fmt::format("{}s ago", std::max<std::int64_t>(0, seconds));
  if (seconds < 3600) return fmt::format("{}m ago", seconds / 60);
  if (seconds < std::int64_t{2} * 86400) return fmt::format("{}h ago", seconds / 3600);
  return fmt::format("{}d ago", seconds / 86400);
}

}  // namespace

Result<DeadPlace> parse_place(const std::string& text) {
  const auto slash = text.find('/');
  const auto partition = std::string_view(text).substr(0, slash);
  const auto offset = slash == std::string::npos ? std::string_view() : std::string_view(text).substr(slash + 1);
  if (!is_number(partition) || !is_number(offset) || partition.size() > 9)
    return Error{ErrorCode::invalid_argument,
                 "'" + text + "' is not PARTITION/OFFSET, as `ride dead list` shows it, for example 2/1042"};
  return DeadPlace{PartitionId{std::stoi(std::string(partition))}, Offset{std::stoll(std::string(offset))}};
}

std::string place_text(const stream::DeathNotice& notice) {
  return fmt::format("{}/{}", notice.at.partition.value, notice.offset.value);
}

bool died_in_foreign_topic(const DeadFrame& frame) {
  return frame.topic != frame.notice.at.topic + std::string(kEnding);
}

Result<std::vector<std::string>> dead_topics(const std::string& wanted, const std::string& prefix,
                                             const std::vector<std::string>& topics) {
  std::vector<std::string> found;
  if (wanted.empty()) {
    for (const auto& topic : topics)
      if (topic.starts_with(prefix + ".") && topic.ends_with(kEnding)) found.push_back(topic);
    return found;
  }
  if (wanted.find('/') != std::string::npos || wanted.ends_with(kEnding)) {
    RIDE_ASSIGN(auto topic,
                find_topic(wanted.ends_with(kEnding) ? wanted : wanted + std::string(kEnding), prefix, topics));
    return std::vector{topic};
  }
  const auto before = prefix + "." + wanted + ".";
  std::optional<std::int64_t> latest;
  for (const auto& topic : topics) latest = std::max(latest, run_of(topic, before));
  for (const auto& topic : topics)
    if (latest && run_of(topic, before) == latest) found.push_back(topic);
  if (found.empty())
    return Error{ErrorCode::not_found, "job '" + wanted +
                                           "' has no topics for dead frames here: see `ride list`; if it was "
                                           "cancelled with its topics, they are gone"};
  return found;
}

std::string render_dead(const std::vector<DeadFrame>& frames, const Style& style, std::size_t width, SystemTime now) {
  Table table({{"STAGE", Align::left},
               {"PLACE", Align::left},
               {"FRAME", Align::left},
               {"TRIES", Align::right},
               {"WHEN", Align::left},
               {"REASON", Align::left}});
  for (const auto& frame : frames)
    table.add({frame.notice.stage,
               place_text(frame.notice),
               frame.frame ? to_string(*frame.frame) : "-",
               std::to_string(frame.notice.attempts),
               ago(frame.notice.died_at, now),
               {frame.notice.reason, Tone::bad}});
  return table.render(style, width);
}

std::string render_headers(const stream::Headers& headers) {
  std::string text;
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\n", one_line(name), one_line(value));
  return text;
}

nlohmann::ordered_json dead_to_json(const DeadFrame& frame) {
  return {{"topic", frame.notice.at.topic},
          {"partition", frame.notice.at.partition.value},
          {"offset", frame.notice.offset.value},
          {"stage", frame.notice.stage},
          {"frame", frame.frame ? nlohmann::ordered_json(to_string(*frame.frame)) : nlohmann::ordered_json()},
          {"reason", frame.notice.reason},
          {"attempts", frame.notice.attempts},
          {"at", format_time(frame.notice.died_at)},
          {"worker", frame.notice.worker},
          {"bytes", frame.bytes},
          {"letter", {{"topic", frame.topic}, {"offset", frame.letter.value}}}};
}

}  // namespace ride::cli
