#include "stream/core/snapshot.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/cause.h"
#include "stream/core/control_json.h"
#include "stream/core/control_limits.h"

namespace ride::stream {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Snapshot::Partition, owner, previous, epoch, releasing, deadline)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Snapshot::Stage, name, epoch, actives, spares, partitions, workers,
                                                held, sized_because, sized_at, strikes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Snapshot::Source, name, producer, previous, session, epoch, strikes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Snapshot::Job, spec, topology, order, submitted_at, phase, reason,
                                                phase_at, ends, totals, stages, sources, next)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Snapshot, claim, jobs, runs, sessions, out, accepted)

int version_of(const Snapshot& snapshot) {
  const auto brings_files = [](const JobSpec& spec) {
    return std::any_of(spec.stages.begin(), spec.stages.end(), [](const auto& one) { return !one.artifacts.empty(); });
  };
  const bool any = std::any_of(snapshot.jobs.begin(), snapshot.jobs.end(), [&](const Snapshot::Job& job) {
    return brings_files(job.spec) || std::any_of(job.next.begin(), job.next.end(),
                                                 [&](const JobQueued& next) { return brings_files(next.spec); });
  });
  return any ? 2 : 1;
}

std::vector<SnapshotPart> cut(const Snapshot& snapshot, const std::string& id, std::size_t part_bytes) {
  nlohmann::json json = snapshot;
  json["version"] = version_of(snapshot);
  // ASCII throughout: no character is cut in two.
  const auto text = json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  const auto count = std::max<std::size_t>(1, (text.size() + part_bytes - 1) / part_bytes);
  std::vector<SnapshotPart> parts;
  for (std::size_t i = 0; i < count; ++i)
    parts.push_back({id, static_cast<int>(i) + 1, static_cast<int>(count), text.substr(i * part_bytes, part_bytes)});
  return parts;
}

namespace {

Error not_a_snapshot(std::string why) {
  cut(why);
  return {ErrorCode::corrupt, "not a snapshot of the decisions: " + why};
}

}  // namespace

Result<std::optional<Snapshot>> SnapshotAssembler::add(const SnapshotPart& part) {
  if (part.part == 1) {
    id_ = part.id;
    text_.clear();
    next_ = 1;
  }
  if (part.id != id_ || part.part != next_) return std::optional<Snapshot>();
  if (text_.size() + part.text.size() > kMostSnapshotBytes) {
    text_ = {};
    id_.clear();
    return Error{ErrorCode::corrupt, fmt::format("a snapshot of more than {} MiB", kMostSnapshotBytes >> 20)};
  }
  ++next_;
  text_ += part.text;
  if (part.part < part.parts) return std::optional<Snapshot>();
  const auto text = std::exchange(text_, {});
  id_.clear();
  if (is_too_deep(text)) return not_a_snapshot("it is nested too deep");
  try {
    const auto json = nlohmann::json::parse(text);
    if (auto misfit = find_misfit(json)) return not_a_snapshot(*std::move(misfit));
    if (const auto version = json.at("version").get<int>();
        version < Snapshot::kOldestVersion || version > Snapshot::kVersion)
      return Error{ErrorCode::unsupported,
                   fmt::format("a snapshot of version {}, this program reads {} to {}: run the same version of RIDE "
                               "everywhere",
                               version, Snapshot::kOldestVersion, Snapshot::kVersion)};
    auto snapshot = json.get<Snapshot>();
    if (auto fault = find_fault(snapshot)) return not_a_snapshot(*std::move(fault));
    return std::optional(std::move(snapshot));
  } catch (const nlohmann::json::exception& failure) {
    return not_a_snapshot(cause_of(failure));
  }
}

}  // namespace ride::stream
