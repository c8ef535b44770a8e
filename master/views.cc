#include "master/views.h"

#include <algorithm>
#include <charconv>

#include "common/json.h"
#include "common/units.h"
#include "master/core/group_rates.h"
#include "master/core/totals.h"
#include "master/pool_words.h"
#include "master/stage_measures.h"
#include "master/stage_view.h"
#include "master/view_values.h"

namespace ride::master {

namespace {

using nlohmann::json;

const SourceReports* reports_of(const State& state, const Job& job, const std::string& source) {
  const auto found = state.soft.sources.find({job.spec->job, job.spec->run, source});
  return found == state.soft.sources.end() ? nullptr : &found->second;
}

// ---- sources --------------------------------------------------------------------------------------------------------

json source_view(const State& state, const Job& job, const stream::SourceSpec& spec) {
  const auto& source = job.sources.at(spec.name);
  json view = {{"job", job.spec->job.value},
               {"run", job.spec->run.value},
               {"source", spec.name},
               {"kind", spec.kind},
               {"producer", source.producer.value.empty() ? json() : json(source.producer.value)},
               {"session", source.session.value}};
  static const SourceReports kNothing;
  const auto* reports = reports_of(state, job, spec.name);
  if (reports == nullptr) reports = &kNothing;
  const auto& last = reports->last;
  view["connected"] = last.connected;
  view["ended"] = reports->ended;
  view["fps"] = last.fps;
  const auto frames = frames_of(state, job, spec.name);
  view["frames"] = is_over(job.phase) && frames == 0 && last.source.empty() ? json() : json(frames);  // unknown
  view["total"] = last.total < 0 ? json() : json(last.total);
  view["dropped"] = last.dropped;
  view["rejected"] = last.rejected;
  view["unwritten"] = last.unwritten;
  view["last_frame"] = time_or_null(last.last_frame);
  view["gaps"] = last.gaps;
  view["longest_gap_ms"] = last.longest_gap_ms;
  view["error"] = last.error.empty() ? (reports->waiting.empty() ? json() : json(reports->waiting)) : json(last.error);
  return view;
}

// ---- jobs -----------------------------------------------------------------------------------------------------------

// How far a finite job is: what each source has sent of its total, times what each stage on the way has ACKed of what
// it was given; the slowest way counts.
std::optional<double> progress(const State& state, const Job& job) {
  if (!job.spec->finite) return std::nullopt;
  if (job.phase == JobPhase::completed) return 1.0;
  std::map<std::string, double> part;  // of a source or stage
  for (const auto& source : job.spec->sources) {
    const auto* reports = reports_of(state, job, source.name);
    if (reports != nullptr && reports->ended) {
      part[source.name] = 1;
      continue;
    }
    if (reports == nullptr || reports->last.total <= 0) return std::nullopt;
    part[source.name] =
        std::min(1.0, static_cast<double>(reports->last.frames) / static_cast<double>(reports->last.total));
  }
  double slowest = 1;
  for (const auto& stage : job.spec->stages) {
    double before = 1;
    for (const auto& upstream : stage.upstreams)
      if (const auto found = part.find(upstream.name); found != part.end()) before = std::min(before, found->second);
    const auto sums = sum(reports_of(state, job, StageName{stage.name}));
    part[stage.name] = sums.end <= 0 ? 0 : before * static_cast<double>(sums.committed) / static_cast<double>(sums.end);
    if (is_last(stage)) slowest = std::min(slowest, part[stage.name]);
  }
  return std::min(slowest, 1.0);
}

// What the job lacks, stage by stage: a job waits visibly.
json waiting_of(const State& state, const Job& job) {
  auto list = json::array();
  if (is_over(job.phase)) return list;
  for (const auto& stage : job.spec->stages)
    if (auto words = waiting_words(state, job, stage); !words.empty()) list.push_back(std::move(words));
  for (const auto& source : job.spec->sources)
    if (const auto* reports = reports_of(state, job, source.name); reports != nullptr && !reports->waiting.empty())
      list.push_back(reports->waiting);
  if (const auto missing = state.soft.missing_ends.find(job.spec->job);
      missing != state.soft.missing_ends.end() && missing->second.reported)
    list.push_back(missing->second.words);
  return list;
}

json summary(const State& state, const Job& job) {
  const auto totals = totals_of(state, job);
  const auto done = progress(state, job);
  auto view = phase_view(job);
  view["reason"] = job.reason;
  view["submitted_at"] = format_time(job.submitted_at);
  view["phase_at"] = format_time(job.phase_at);
  view["finite"] = job.spec->finite;
  view["priority"] = job.spec->priority;
  view["next_run"] = job.next == nullptr ? json() : json(job.next->spec.run.value);
  view["waiting"] = waiting_of(state, job);
  view["stages"] = job.spec->stages.size();
  view["sources"] = job.spec->sources.size();
  view["frames_in"] = totals.in;
  view["frames_out"] = totals.out;
  view["progress"] = done ? json(*done) : json();
  return view;
}

template <class Visit>
void for_each_job(const State& state, Visit visit) {
  std::map<std::int64_t, const Job*> jobs;  // by order of submission
  for (const auto& [name, job] : state.hard.jobs) jobs[job->order] = &*job;
  for (const auto& [order, job] : jobs) visit(*job);
}

// ---- processes ------------------------------------------------------------------------------------------------------

json process_view(const stream::Heartbeat& beat, const char* kind_state, SystemTime seen) {
  return {{"id", beat.id.value},
          {"name", slot_name(beat.id)},
          {"kind", to_string(beat.kind)},
          {"node", beat.node.value},
          {"pid", beat.pid},
          {"version", beat.version},
          {"state", kind_state},
          {"cpu_percent", beat.cpu_percent},
          {"rss_bytes", beat.rss_bytes},
          {"busy_fraction", beat.busy_fraction},
          {"fps", beat.frames_per_second},
          {"service_rate", measured(beat.service_rate)},
          {"utilisation", nullptr},
          {"warm", beat.warm},
          {"devices", beat.devices},
          {"labels", beat.labels},
          {"cores", beat.cores},
          {"memory_bytes", beat.memory_bytes},
          {"http", beat.http.empty() ? json() : json(beat.http)},
          {"last_seen", time_or_null(seen)},
          {"job", nullptr},
          {"stage", nullptr},
          {"spare", false},
          {"partitions", 0},
          {"sources", 0},
          {"reason", nullptr}};
}

std::map<WorkerId, int> owned_partitions(const State& state) {
  std::map<WorkerId, int> count;
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [stage_name, stage] : job->stages)
      for (const auto& partition : stage->partitions)
        if (!partition.owner.value.empty()) ++count[partition.owner];
  return count;
}

std::map<WorkerId, int> fed_sources(const State& state) {
  std::map<WorkerId, int> count;
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (!source.producer.value.empty()) ++count[source.producer];
  return count;
}

}  // namespace

json phase_view(const Job& job) {
  return {{"job", job.spec->job.value}, {"run", job.spec->run.value}, {"phase", to_string(job.phase)}};
}

json jobs_view(const State& state) {
  auto list = json::array();
  for_each_job(state, [&](const Job& job) { list.push_back(summary(state, job)); });
  return {{"jobs", list}};
}

std::optional<json> job_view(const State& state, const JobName& name) {
  const auto found = state.hard.jobs.find(name);
  if (found == state.hard.jobs.end()) return std::nullopt;
  const auto& job = *found->second;
  auto view = summary(state, job);
  auto stages = json::array(), sources = json::array();
  for (const auto& stage : job.spec->stages) stages.push_back(stage_view(state, job, stage));
  for (const auto& source : job.spec->sources) sources.push_back(source_view(state, job, source));
  view["stages"] = std::move(stages);
  view["sources"] = std::move(sources);
  view["topology"] = *job.topology;
  return view;
}

json stages_view(const State& state) {
  auto list = json::array();
  for_each_job(state, [&](const Job& job) {
    for (const auto& stage : job.spec->stages) list.push_back(stage_view(state, job, stage));
  });
  return {{"stages", list}};
}

json sources_view(const State& state) {
  auto list = json::array();
  for_each_job(state, [&](const Job& job) {
    for (const auto& source : job.spec->sources) list.push_back(source_view(state, job, source));
  });
  return {{"sources", list}};
}

json workers_view(const State& state) {
  auto list = json::array();
  const auto partitions = owned_partitions(state);
  const auto sources = fed_sources(state);
  for (const auto& [id, process] : state.soft.processes) {
    auto view = process_view(process.last, "live", process.last_seen);
    view["service_rate"] = or_null(service_rate_of(process));
    view["utilisation"] = or_null(process.rate.utilisation());
    if (!process.heard) view["reason"] = "not heard from since this master started";
    if (const auto* member = state.hard.member(id)) {
      view["job"] = member->stage.job.value;
      view["stage"] = member->stage.stage.value;
      view["spare"] = member->spare;
    }
    if (const auto found = partitions.find(id); found != partitions.end()) view["partitions"] = found->second;
    if (const auto found = sources.find(id); found != sources.end()) view["sources"] = found->second;
    list.push_back(std::move(view));
  }
  for (const auto& gone : state.soft.gone) {
    auto view = process_view(gone.last, gone.left ? "left" : "lost", gone.at);
    view["reason"] = gone.reason;
    list.push_back(std::move(view));
  }
  return {{"workers", list}};
}

namespace {

// What an agent reports of its node is in its labels.
json bytes_in(const std::map<std::string, std::string>& labels, const char* name) {
  const auto found = labels.find(name);
  if (found == labels.end()) return {};
  std::int64_t value = 0;
  const auto& text = found->second;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() ? json(value) : json();
}

// How late heartbeats come by and large, while the node counts as overloaded.
json late_of(const State& state, const NodeName& name) {
  const auto node = state.soft.nodes.find(name);
  return node != state.soft.nodes.end() && node->second.overload.is_on() ? json(node->second.overload.late().count())
                                                                         : json();
}

json words_of(const std::string& text) {
  auto words = json::array();
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

std::vector<topology::NodeOutputs> outputs_of_nodes(const State& state) {
  std::vector<topology::NodeOutputs> nodes;
  for (const auto& [id, process] : state.soft.processes) {
    const auto& beat = process.last;
    const auto listed = beat.labels.find("outputs");
    if (!process.heard || beat.kind != ProcessKind::agent || listed == beat.labels.end()) continue;
    const auto list = json::parse(listed->second, nullptr, false);
    topology::NodeOutputs node{beat.node.value, {}};
    if (list.is_array())
      for (const auto& folder : list)
        if (folder.is_string()) node.folders.push_back(folder.get<std::string>());
    if (!node.folders.empty()) nodes.push_back(std::move(node));
  }
  return nodes;
}

json artifacts_view(const State& state) {
  json list = json::array();
  const auto add = [&list](const stream::JobSpec& spec) {
    for (const auto& stage : spec.stages)
      for (const auto& [param, ref] : stage.artifacts)
        list.push_back({{"job", spec.job.value},
                        {"run", spec.run.value},
                        {"stage", stage.name},
                        {"param", param},
                        {"name", ref.name},
                        {"sha256", ref.sha256},
                        {"size", ref.size},
                        {"upload", ref.upload}});
  };
  for (const auto& [name, job] : state.hard.jobs) {
    if (is_over(job->phase)) continue;
    add(*job->spec);
    if (job->next) add(job->next->spec);
  }
  return {{"artifacts", std::move(list)}};
}

json nodes_view(const State& state) {
  std::map<NodeName, json> nodes;
  for (const auto& [id, process] : state.soft.processes) {
    if (!process.heard) continue;
    const auto& beat = process.last;
    auto [found, fresh] = nodes.try_emplace(beat.node);
    auto& node = found->second;
    if (fresh)
      node = {{"node", beat.node.value},
              {"agent", nullptr},
              {"workers", 0},
              {"producers", 0},
              {"cores", nullptr},
              {"memory_bytes", nullptr},
              {"cpu_percent", 0.0},
              {"rss_bytes", 0},
              {"devices", json::array()},
              {"disk_free", nullptr},
              {"cameras", json::array()},
              {"memory_available", nullptr},
              {"outputs", json::array()},
              {"late_ms", late_of(state, beat.node)}};
    if (node["agent"].is_null()) node["cpu_percent"] = node["cpu_percent"].get<double>() + beat.cpu_percent;
    node["rss_bytes"] = node["rss_bytes"].get<std::int64_t>() + beat.rss_bytes;
    if (beat.kind == ProcessKind::worker) node["workers"] = node["workers"].get<int>() + 1;
    if (beat.kind == ProcessKind::producer) node["producers"] = node["producers"].get<int>() + 1;
    if (beat.kind != ProcessKind::agent) continue;
    node["agent"] = id.value;
    node["cpu_percent"] = beat.cpu_percent;  // an agent measures the whole node
    node["cores"] = beat.cores > 0 ? json(beat.cores) : json();
    node["memory_bytes"] = beat.memory_bytes > 0 ? json(beat.memory_bytes) : json();
    node["devices"] = beat.devices;
    node["memory_available"] = bytes_in(beat.labels, "memory_available");
    node["disk_free"] = bytes_in(beat.labels, "disk_free");
    if (const auto cameras = beat.labels.find("cameras"); cameras != beat.labels.end())
      node["cameras"] = words_of(cameras->second);
  }
  for (auto& outputs : outputs_of_nodes(state))
    if (const auto found = nodes.find(NodeName{outputs.node}); found != nodes.end())
      found->second["outputs"] = outputs.folders;
  auto list = json::array();
  for (auto& [name, node] : nodes) list.push_back(std::move(node));
  return {{"nodes", list}};
}

json events_view(const std::vector<PastEvent>& events, std::int64_t after) {
  auto list = json::array();
  for (const auto& event : events)
    list.push_back({{"n", event.number},
                    {"at", format_time(event.at)},
                    {"severity", to_string(event.what.severity)},
                    {"code", event.what.code},
                    {"job", event.what.job.empty() ? json() : json(event.what.job)},
                    {"stage", event.what.stage.empty() ? json() : json(event.what.stage)},
                    {"text", event.what.text},
                    {"from", event.what.from.empty() ? json() : json(event.what.from)}});
  return {{"events", list}, {"next", events.empty() ? after : events.back().number}};
}

}  // namespace ride::master
