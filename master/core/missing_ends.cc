// A job whose inputs have all ended, and that does not complete: it would run for ever, and look well. The first stage
// in flow order shows where the end was lost, since those behind it wait for its own.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "master/core/steps.h"

namespace ride::master {

namespace {

constexpr std::chrono::seconds kPatience{10};

// Partitions that did not get the end of their input; nothing while somebody is still at work on one of them.
std::vector<int> without_end(const Stage& stage, const StageReports& reports) {
  std::vector<int> waiting;
  for (std::size_t p = 0; p < reports.partitions.size(); ++p) {
    const auto& progress = reports.partitions[p];
    if (progress.ended) continue;
    if (stage.partitions.at(p).owner.value.empty() || progress.end < 0 || progress.committed < progress.end) return {};
    waiting.push_back(static_cast<int>(p));
  }
  return waiting;
}

std::string words(const stream::StageSpec& spec, const std::vector<int>& waiting, const JobName& job) {
  std::vector<std::string> upstreams;
  for (const auto& upstream : spec.upstreams) upstreams.push_back(upstream.name);
  return fmt::format(
      "stage {} has finished all that is in its topic {}, but in partitions {} (of {}) the end of its input "
      "never came, though {} ended: the job cannot complete by itself. Either somebody else writes into the "
      "topic (`ride ledger {}` shows what is hidden), or the end record was deleted there before it was "
      "read. Cancel the job, or submit it again",
      spec.name, spec.topic, fmt::join(waiting, ", "), spec.partitions, fmt::join(upstreams, ", "), job.value);
}

std::string missing_end(const State& state, const Job& job) {
  std::set<std::string> ended;
  for (const auto& source : job.spec->sources) {
    const auto reports = state.soft.sources.find({job.spec->job, job.spec->run, source.name});
    if (reports != state.soft.sources.end() && reports->second.ended) ended.insert(source.name);
  }
  for (const auto& spec : job.spec->stages) {
    const StageName name{spec.name};
    const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, name});
    if (reports == state.soft.stages.end()) continue;
    if (reports->second.ended >= spec.partitions) {
      ended.insert(spec.name);
      continue;
    }
    const bool all = std::all_of(spec.upstreams.begin(), spec.upstreams.end(),
                                 [&](const stream::UpstreamSpec& one) { return ended.contains(one.name); });
    if (spec.upstreams.empty() || !all) continue;
    if (const auto waiting = without_end(*job.stages.at(name), reports->second); !waiting.empty())
      return words(spec, waiting, job.spec->job);
  }
  return {};
}

}  // namespace

void report_missing_ends(Draft& draft, State& state, const Due& due) {
  if (!due.sizes) return;
  auto& known = state.soft.missing_ends;
  std::erase_if(known, [&](const auto& entry) { return !draft.hard().jobs.contains(entry.first); });
  for (const auto& [name, job] : draft.hard().jobs) {
    auto text = has_owners(job->phase) ? missing_end(state, *job) : std::string();
    auto& missing = known[name];
    if (text.empty() || missing.words != text) {
      missing = {std::move(text), draft.now(), false};
      continue;
    }
    if (missing.reported || draft.now() - missing.since < kPatience) continue;
    missing.reported = true;
    draft.act(Notify{.severity = stream::Severity::error,
                     .code = "end_missing",
                     .job = name.value,
                     .stage = {},
                     .text = missing.words});
  }
}

}  // namespace ride::master
