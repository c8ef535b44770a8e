#include "stream/core/decisions_filter.h"

#include <spdlog/fmt/fmt.h>

#include "common/wording.h"

namespace ride::stream {

Error nothing_is_known(Offset at, const std::string& why) {
  return {
      ErrorCode::unsupported,
      fmt::format("the decisions log begins, at offset {}, with a snapshot that this program cannot read, so it knows "
                  "nothing of what was decided before: {}",
                  at.value, why)};
}

Result<std::optional<Decision>> DecisionsFilter::accept(Offset at, std::string_view json, SystemTime now) {
  before_.read(at);
  auto decision = decode_decision(json);
  if (!decision.ok()) {
    refuse(Refused::unreadable, at, decision.error().message, now);
    return std::optional<Decision>();
  }
  if (standing_.is_foreign(*decision) && !lost_the_first_race(*decision))
    refuse(Refused::foreign_log, at, fmt::format("it belongs to log '{}', not to '{}'", decision->log, standing_.log()),
           now);
  else if (standing_.is_ahead(*decision))
    refuse(Refused::contradiction, at, "a claim whose epoch does not follow the current one", now);
  if (!standing_.counts(*decision)) return std::optional<Decision>();
  before_.counted(decision->body);
  if (const auto* part = std::get_if<SnapshotPart>(&decision->body)) {
    const auto snapshot = assembler_.add(*part);
    if (!snapshot.ok()) {
      if (!before_.all()) return nothing_is_known(at, snapshot.error().message);
      refuse(Refused::snapshot, at, snapshot.error().message, now);
      return std::optional<Decision>();  // without its last part it is none for those who put it together, either
    }
    if (*snapshot) before_.restored();
  }
  return std::optional(std::move(decision).value());
}

void DecisionsFilter::restart() {
  standing_.restart();
  assembler_ = {};
  before_ = {};
}

void DecisionsFilter::refuse(Refused kind, Offset at, const std::string& why, SystemTime now) {
  if (auto words = refusals_.add(kind, fmt::format("the record at offset {} is refused: {}", at.value, why), now))
    words_.push_back(*std::move(words));
}

}  // namespace ride::stream
