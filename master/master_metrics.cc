#include "master/master_metrics.h"

#include <algorithm>

#include "master/core/totals.h"
#include "master/stage_measures.h"
#include "stream/core/outcome_sums.h"

namespace ride::master {

namespace {

using Values = std::map<Metrics::Labels, double>;

constexpr auto kCounter = MetricType::counter;
constexpr auto kGauge = MetricType::gauge;
constexpr auto kHistogram = MetricType::histogram;

const std::vector<double> kSeconds = {0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5};

struct StageValues {
  Values acked, filtered, dropped, rejected, dead, expired, duplicates, rate, active, wanted, missing, missing_spares,
      held;
  Values lag, lag_seconds, oldest, arrival, service, busy;

  void add(const State& state, const Job& job, const stream::StageSpec& spec) {
    const Metrics::Labels labels{job.spec->job.value, spec.name};
    const auto& stage = *job.stages.at(StageName{spec.name});
    active[labels] = static_cast<double>(stage.actives.size());
    const int wants = wanted_workers(spec, stage);
    wanted[labels] = wants + spec.group.spares;
    missing[labels] = std::max(0, wants - static_cast<int>(stage.actives.size()));
    missing_spares[labels] = std::max(0, spec.group.spares - static_cast<int>(stage.spares.size()));
    double fps = 0;
    for (const auto& worker : stage.actives)
      if (const auto found = state.soft.processes.find(worker); found != state.soft.processes.end())
        fps += found->second.last.frames_per_second;
    rate[labels] = fps;
    held[labels] = stage.held ? 1 : 0;
    add_measures(measures_of(state, job, spec), labels);
    const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, StageName{spec.name}});
    if (reports == state.soft.stages.end()) return;
    stream::OutcomeCounters sum;
    for (const auto& partition : reports->second.partitions) sum += partition.counters;
    acked[labels] = static_cast<double>(sum.acked);
    filtered[labels] = static_cast<double>(sum.filtered);
    const auto refused = std::min(sum.dropped, rejected_before(state, job, spec));
    dropped[labels] = static_cast<double>(sum.dropped - refused);
    rejected[labels] = static_cast<double>(refused);
    dead[labels] = static_cast<double>(sum.dead);
    expired[labels] = static_cast<double>(sum.expired);
    duplicates[labels] = static_cast<double>(sum.duplicates);
  }

  // What is unknown has no sample: it is not zero.
  void add_measures(const StageMeasures& measures, const Metrics::Labels& labels) {
    if (measures.lag) lag[labels] = static_cast<double>(*measures.lag);
    if (measures.lag_seconds) lag_seconds[labels] = *measures.lag_seconds;
    if (measures.oldest_ms) oldest[labels] = *measures.oldest_ms / 1000;
    if (measures.arrival) arrival[labels] = *measures.arrival;
    if (measures.service_rate) service[labels] = *measures.service_rate;
    if (measures.utilisation) busy[labels] = *measures.utilisation;
  }

  void put(Metrics& metrics) const {
    metrics.replace("ride_stage_lag_frames", lag);
    metrics.replace("ride_stage_lag_seconds", lag_seconds);
    metrics.replace("ride_stage_arrival_frames_per_second", arrival);
    metrics.replace("ride_stage_service_frames_per_busy_second", service);
    metrics.replace("ride_stage_utilisation_ratio", busy);
    metrics.replace("ride_stage_held_groups", held);
    metrics.replace("ride_stage_acked_frames_total", acked);
    metrics.replace("ride_stage_filtered_frames_total", filtered);
    metrics.replace("ride_stage_dropped_frames_total", dropped);
    metrics.replace("ride_stage_rejected_pictures_total", rejected);
    metrics.replace("ride_stage_dead_frames_total", dead);
    metrics.replace("ride_stage_expired_frames_total", expired);
    metrics.replace("ride_stage_duplicate_frames_total", duplicates);
    metrics.replace("ride_stage_rate_frames_per_second", rate);
    metrics.replace("ride_stage_active_workers", active);
    metrics.replace("ride_stage_wanted_workers", wanted);
    metrics.replace("ride_stage_oldest_unacked_seconds", oldest);
    metrics.replace("ride_stage_missing_workers", missing);
    metrics.replace("ride_stage_missing_spares", missing_spares);
  }
};

void fill_sources(const State& state, Metrics& metrics) {
  Values frames, rate, gaps, dropped, rejected;
  for (const auto& [key, reports] : state.soft.sources) {
    const auto* job = state.hard.find(key.job, key.run);
    if (job == nullptr || is_over(job->phase)) continue;
    const Metrics::Labels labels{key.job.value, key.source};
    frames[labels] = static_cast<double>(frames_of(state, *job, key.source));
    rate[labels] = reports.last.fps;
    gaps[labels] = static_cast<double>(reports.last.gaps);
    dropped[labels] = static_cast<double>(reports.last.dropped);
    rejected[labels] = static_cast<double>(reports.last.rejected);
  }
  metrics.replace("ride_source_sent_frames_total", frames);
  metrics.replace("ride_source_rate_frames_per_second", rate);
  metrics.replace("ride_source_found_gaps_total", gaps);
  metrics.replace("ride_source_dropped_frames_total", dropped);
  metrics.replace("ride_source_rejected_pictures_total", rejected);
}

}  // namespace

const MetricsTable& master_metrics_table() {
  static const MetricsTable kTable = {
      {"ride_phase_jobs", kGauge, "Jobs in each phase.", {"phase"}},
      {"ride_live_processes", kGauge, "Workers, producers and agents whose heartbeats arrive.", {"kind"}},
      {"ride_idle_workers", kGauge, "Workers that belong to no group."},
      {"ride_wanted_pool_workers", kGauge,
       "Workers that all groups of all jobs want, spares included: an outside autoscaler adds nodes while it is above "
       "the live workers."},
      {"ride_stage_lag_frames", kGauge, "Frames of the input topic without an ACK.", {"job", "stage"}},
      {"ride_stage_lag_seconds",
       kGauge,
       "Time to work off the frames without an ACK, if nothing came in and all workers were busy.",
       {"job", "stage"}},
      {"ride_stage_arrival_frames_per_second", kGauge, "Frames that come into the input topic.", {"job", "stage"}},
      {"ride_stage_service_frames_per_busy_second",
       kGauge,
       "Speed of one worker while it works, the mean of the group.",
       {"job", "stage"}},
      {"ride_stage_utilisation_ratio", kGauge, "Busy share of the workers' time, 0 to 1.", {"job", "stage"}},
      {"ride_stage_held_groups", kGauge, "1 while a person holds the size of the group.", {"job", "stage"}},
      {"ride_stage_acked_frames_total", kCounter, "Frames whose results are safe.", {"job", "stage"}},
      {"ride_stage_filtered_frames_total", kCounter, "Frames that the task let go.", {"job", "stage"}},
      {"ride_stage_dropped_frames_total",
       kCounter,
       "Frames that were left out because they were late, here or before.",
       {"job", "stage"}},
      {"ride_stage_rejected_pictures_total", kCounter, "Pictures that a source before it refused.", {"job", "stage"}},
      {"ride_stage_dead_frames_total", kCounter, "Frames that the task could not process.", {"job", "stage"}},
      {"ride_stage_expired_frames_total", kCounter, "Frames that retention took before their ACK.", {"job", "stage"}},
      {"ride_stage_duplicate_frames_total", kCounter, "Repeated records that were left out.", {"job", "stage"}},
      {"ride_stage_rate_frames_per_second",
       kGauge,
       "ACKed frames per second, as the workers measure.",
       {"job", "stage"}},
      {"ride_stage_active_workers", kGauge, "Workers that own partitions of the stage.", {"job", "stage"}},
      {"ride_stage_wanted_workers", kGauge, "Workers that the group wants, spares included.", {"job", "stage"}},
      {"ride_stage_missing_workers",
       kGauge,
       "Workers that the group lacks; its partitions are shared among those that it has.",
       {"job", "stage"}},
      {"ride_stage_missing_spares", kGauge, "Spares that the group lacks.", {"job", "stage"}},
      {"ride_stage_oldest_unacked_seconds", kGauge, "Age of the oldest frame without an ACK.", {"job", "stage"}},
      {"ride_source_sent_frames_total", kCounter, "Frames that the source has safely in Kafka.", {"job", "source"}},
      {"ride_source_rate_frames_per_second", kGauge, "Frames per second of the source.", {"job", "source"}},
      {"ride_source_found_gaps_total",
       kCounter,
       "How often the source could not be reached, in this run and by all its owners.",
       {"job", "source"}},
      {"ride_source_dropped_frames_total", kCounter, "Frames dropped because they were late.", {"job", "source"}},
      {"ride_source_rejected_pictures_total", kCounter, "Broken or too large pictures.", {"job", "source"}},
      {"ride_leader_claim_epochs", kGauge, "Epoch of the current claim of leadership."},
      {"ride_leading_masters", kGauge, "1 while this master leads, 0 while it is a standby."},
      {"ride_written_claims_total", kCounter, "Times that this master claimed leadership."},
      {"ride_read_claims_total", kCounter, "Changes of leadership that this master has read."},
      {"ride_last_tick_age_seconds", kGauge, "Since the last valid tick was read, or leadership changed."},
      {"ride_snapshot_behind_records", kGauge, "Records of the decisions log behind its last snapshot."},
      {"ride_truncated_decisions_total", kCounter, "Records of the decisions log deleted behind a snapshot."},
      {"ride_log_ticks_total", kCounter, "Ticks of this leader in the reports log."},
      {"ride_read_reports_total", kCounter, "Reports read.", {"type"}},
      {"ride_refused_decisions_total",
       kCounter,
       "Records of the decisions log that were refused: they belong to another log, or contradict what is decided.",
       {"reason"}},
      {"ride_refused_reports_total", kCounter,
       "Records of the reports log that were refused: they are not reports of this log."},
      {"ride_written_decisions_total", kCounter, "Decisions read back after writing.", {"type"}},
      {"ride_decide_step_seconds", kHistogram, "Time of one decision step.", {}, kSeconds},
      {"ride_append_decision_seconds", kHistogram, "Time until written decisions were read back.", {}, kSeconds},
      {"ride_deleted_records_total", kCounter, "Records deleted because every reader had ACKed them."},
      {"ride_http_requests_total", kCounter, "Requests answered.", {"method", "status"}},
  };
  return kTable;
}

void fill_metrics(const State& state, Metrics& metrics) {
  Values phases, kinds;
  for (const auto phase : {JobPhase::creating, JobPhase::running, JobPhase::paused, JobPhase::draining,
                           JobPhase::completed, JobPhase::cancelled, JobPhase::failed})
    phases[{to_string(phase)}] = 0;
  for (const auto kind : {ProcessKind::worker, ProcessKind::producer, ProcessKind::agent}) kinds[{to_string(kind)}] = 0;
  StageValues stages;
  double wanted = 0, idle = 0;
  for (const auto& [name, job] : state.hard.jobs) {
    ++phases[{to_string(job->phase)}];
    if (is_over(job->phase)) continue;
    for (const auto& spec : job->spec->stages) stages.add(state, *job, spec);
    wanted += wanted_with_spares(*job);
  }
  for (const auto& [id, process] : state.soft.processes) {
    if (!process.heard) continue;
    ++kinds[{to_string(process.last.kind)}];
    if (process.last.kind == ProcessKind::worker && state.hard.member(id) == nullptr) ++idle;
  }
  metrics.replace("ride_phase_jobs", phases);
  metrics.replace("ride_live_processes", kinds);
  metrics.set("ride_idle_workers", {}, idle);
  metrics.set("ride_wanted_pool_workers", {}, wanted);
  metrics.set("ride_leader_claim_epochs", {}, static_cast<double>(state.hard.standing.epoch()));
  metrics.set("ride_snapshot_behind_records", {}, static_cast<double>(state.soft.records));
  metrics.replace("ride_log_ticks_total", {{{}, static_cast<double>(state.soft.ticks)}});
  stages.put(metrics);
  fill_sources(state, metrics);
}

}  // namespace ride::master
