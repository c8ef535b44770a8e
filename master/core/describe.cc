#include "master/core/describe.h"

#include <spdlog/fmt/fmt.h>

#include "common/crash_note.h"
#include "common/wording.h"

namespace ride::master {

namespace {

using stream::Severity;

std::string run_of(const JobName& job, RunNumber run) { return fmt::format("{}/{}", job.value, run.value); }

Severity severity_of(stream::JobPhase phase) {
  return phase == stream::JobPhase::failed ? Severity::error : Severity::info;
}

EventText words(const stream::Claim& claim) {
  if (claim.id.empty())
    return {.code = "leader_left", .text = fmt::format("the leader left; nobody leads from epoch {} on", claim.epoch)};
  return {.code = "leader", .text = fmt::format("{} leads, epoch {}", claim.id, claim.epoch)};
}

EventText words(const stream::JobAccepted& accepted) {
  return {.code = "job_accepted",
          .job = accepted.spec.job.value,
          .text = fmt::format("{} accepted: {}, {}", run_of(accepted.spec.job, accepted.spec.run),
                              counted(accepted.spec.sources.size(), "source"),
                              counted(accepted.spec.stages.size(), "stage"))};
}

EventText words(const stream::JobPhaseChanged& changed) {
  return {.severity = severity_of(changed.phase),
          .code = std::string("job_") + to_string(changed.phase),
          .job = changed.job.value,
          .text = fmt::format("{} {}: {}", run_of(changed.job, changed.run), phase_in_words(to_string(changed.phase)),
                              changed.reason)};
}

EventText words(const stream::Assign& assign) {
  return {.code = "assigned",
          .job = assign.job.value,
          .stage = assign.stage.value,
          .text = fmt::format("{}/{} to {}, epoch {}: {}", assign.stage.value, list_of(assign.partitions),
                              assign.worker.value, assign.epoch.value, assign.reason)};
}

EventText words(const stream::Releasing& releasing) {
  return {.code = "releasing",
          .job = releasing.job.value,
          .stage = releasing.stage.value,
          .text = fmt::format("{} hands back {}/{}: {}", releasing.worker.value, releasing.stage.value,
                              list_of(releasing.partitions), releasing.reason)};
}

EventText words(const stream::AssignSource& assign) {
  return {.code = "source_assigned",
          .job = assign.job.value,
          .stage = assign.source,
          .text = assign.producer.value.empty()
                      ? fmt::format("source {} is taken from its producer: {}", assign.source, assign.reason)
                      : fmt::format("source {} to {}, session {}: {}", assign.source, assign.producer.value,
                                    assign.session.value, assign.reason)};
}

EventText words(const stream::JoinGroup& join) {
  if (join.stage.value.empty())
    return {.code = "left_group", .text = fmt::format("{} is idle: {}", join.worker.value, join.reason)};
  return {.code = join.spare ? "spare_joined" : "worker_joined",
          .job = join.job.value,
          .stage = join.stage.value,
          .text = join.spare
                      ? fmt::format("{} becomes a spare of {}: {}", join.worker.value, join.stage.value, join.reason)
                      : fmt::format("{} joins {}: {}", join.worker.value, join.stage.value, join.reason)};
}

EventText words(const stream::WorkerOut& out) {
  if (out.refused)
    return {.severity = Severity::error,
            .code = "name_taken",
            .text = fmt::format("{} is refused: {}", out.worker.value, out.reason)};
  const bool expected = out.reason.starts_with("left") || out.reason.starts_with("stopped");
  return {.severity = expected ? Severity::info : Severity::warning,
          .code = "out",
          .text = fmt::format("{} is out: {}", out.worker.value, out.reason)};
}

EventText words(const stream::SnapshotPart& part) {
  return {.code = "snapshot", .text = fmt::format("snapshot {}, part {} of {}", part.id, part.part, part.parts)};
}

// What a source was reading: "record plates/0/17", "file /in/a.jpg". A frame's id has no blank.
bool is_item(const stream::Strike& strike) {
  return strike.frame != kRecordBeingRead && strike.frame.find(' ') != std::string::npos;
}

EventText words_of_item(const stream::Strike& strike) {
  return {.severity = strike.condemned ? Severity::error : Severity::warning,
          .code = strike.condemned ? "item_condemned" : "item_struck",
          .job = strike.job.value,
          .stage = strike.stage.value,
          .text = strike.condemned ? fmt::format("source {}: {} is left out after {} ends: {}", strike.stage.value,
                                                 strike.frame, strike.count, strike.cause)
                                   : fmt::format("{} ended while source {} read {}: {}", strike.worker.value,
                                                 strike.stage.value, strike.frame, strike.cause)};
}

std::string name_of(const stream::Strike& strike) {
  const bool unread = strike.frame == kRecordBeingRead;
  return fmt::format("{} ({}/{}, offset {})", unread ? "a record that was being read" : "frame " + strike.frame,
                     strike.stage.value, strike.partition.value, strike.offset.value);
}

EventText words(const stream::Strike& strike) {
  if (is_item(strike)) return words_of_item(strike);
  return {.severity = strike.condemned ? Severity::error : Severity::warning,
          .code = strike.condemned ? "frame_condemned" : "frame_struck",
          .job = strike.job.value,
          .stage = strike.stage.value,
          .text = strike.condemned
                      ? fmt::format("{} is dead after {} ends: {}", name_of(strike), strike.count, strike.cause)
                      : fmt::format("{} ended with {}{}: {}", strike.worker.value, name_of(strike),
                                    strike.frame == kRecordBeingRead ? "" : " inside process()", strike.cause)};
}

EventText words(const stream::Scale& scale) {
  return {.code = scale.held ? "group_held" : "scaled",
          .job = scale.job.value,
          .stage = scale.stage.value,
          .text = fmt::format("{}: {}", scale.stage.value, scale.reason)};
}

EventText words(const stream::JobChanged& changed) {
  return {.code = "job_changed",
          .job = changed.spec.job.value,
          .text = fmt::format("{} changed: {}", run_of(changed.spec.job, changed.spec.run), changed.reason)};
}

EventText words(const stream::JobQueued& queued) {
  return {.code = "job_queued",
          .job = queued.spec.job.value,
          .text = fmt::format("{} follows when the run before it is completed: {}",
                              run_of(queued.spec.job, queued.spec.run), queued.reason)};
}

}  // namespace

std::string list_of(const std::vector<PartitionId>& partitions) {
  std::string text;
  for (std::size_t i = 0; i < partitions.size();) {
    auto last = i;
    while (last + 1 < partitions.size() && partitions[last + 1].value == partitions[last].value + 1) ++last;
    if (!text.empty()) text += ",";
    text += last == i ? fmt::format("{}", partitions[i].value)
                      : fmt::format("{}-{}", partitions[i].value, partitions[last].value);
    i = last + 1;
  }
  return text;
}

EventText describe(const stream::DecisionBody& decision) {
  return std::visit([](const auto& one) { return words(one); }, decision);
}

}  // namespace ride::master
