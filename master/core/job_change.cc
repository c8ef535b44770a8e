#include "master/core/job_change.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/plugin_permit.h"
#include "common/units.h"
#include "common/wording.h"
#include "stream/core/artifact.h"

namespace ride::master {

namespace {

using stream::JobSpec;
using stream::OutputSpec;
using stream::SourceSpec;
using stream::StageSpec;

using Facts = std::map<std::string, std::string>;  // by key of the file

std::string duration_or(std::int64_t ms, const char* none) { return ms > 0 ? format_duration(milliseconds(ms)) : none; }

void add_params(const ParamValues& params, Facts& facts) {
  for (const auto& [name, value] : params) facts["params." + name] = ride::to_string(value);
}

// Outputs into the job's own stages are given by their readers' `from`; the codec is the writer's.
void add_outputs(const std::vector<OutputSpec>& outputs, Facts& facts) {
  for (const auto& output : outputs) {
    facts["codec"] = output.codec.empty() ? "as it comes" : output.codec;
    if (output.to.empty())
      facts["output." + output.port] = fmt::format("{} ({})", output.topic, counted(output.partitions, "partition"));
  }
}

void add_group(const stream::GroupSpec& group, Facts& facts) {
  facts["group.device"] = group.device;
  facts["group.min"] = std::to_string(group.min);
  facts["group.max"] = std::to_string(group.max);
  facts["group.spares"] = std::to_string(group.spares);
  facts["group.cores"] = group.cores > 0 ? fmt::format("{:g}", group.cores) : "shared";
  facts["group.memory"] = group.memory_bytes > 0 ? format_byte_size({group.memory_bytes}) : "no limit";
  facts["group.target"] = fmt::format("{:g}", group.scaling.target);
  facts["group.drain"] = duration_or(group.scaling.drain_ms, "0s");
  facts["group.calm"] = duration_or(group.scaling.calm_ms, "0s");
  for (const auto& [name, value] : group.labels)
    if (name != kPluginLabel) facts["group.labels." + name] = value;  // the plug-in itself is named
}

template <class Writer>
void add_reads(const std::string& reader, const Writer& writer, std::set<std::string>& from) {
  for (const auto& output : writer.outputs)
    if (output.to == reader)
      from.insert(output.port.empty() || output.port == "out" ? writer.name : writer.name + "." + output.port);
}

void add_topic(const JobSpec& job, const StageSpec& stage, Facts& facts) {
  std::set<std::string> from;
  for (const auto& source : job.sources) add_reads(stage.name, source, from);
  for (const auto& writer : job.stages) add_reads(stage.name, writer, from);
  facts["from"] = fmt::format("{}", fmt::join(from, ", "));
  if (stage.adopt) {
    facts["topic.name"] = stage.topic;
    facts["topic.format"] = stage.adopt->format;
    facts["topic.shape"] = stage.adopt->shape;
    facts["topic.depth"] = stage.adopt->depth;
  }
  facts["topic.partitions"] = std::to_string(stage.partitions);
  facts["topic.partition_by"] = to_string(stage.partition_by);
  facts["topic.replication"] = std::to_string(stage.replication);
  facts["topic.retention"] = duration_or(stage.retention_ms, "as it is");
  facts["topic.keep"] = duration_or(stage.keep_ms, "0s");
}

Facts facts_of(const JobSpec& job, const StageSpec& stage) {
  Facts facts;
  facts["task"] = stage.task;
  add_params(stage.params, facts);
  for (const auto& [param, file] : stage.artifacts)
    facts[param == stream::kPluginArtifact ? param : "params." + param + " (file)"] =
        fmt::format("{} {}", file.name, file.sha256.substr(0, 12));
  add_topic(job, stage, facts);
  add_outputs(stage.outputs, facts);
  add_group(stage.group, facts);
  facts["frame_timeout"] = duration_or(stage.frame_timeout_ms, "measured");
  facts["max_age"] = duration_or(stage.max_age_ms, "none");
  facts["max_pixels"] = std::to_string(stage.max_pixels);
  return facts;
}

Facts facts_of(const JobSpec&, const SourceSpec& source) {
  Facts facts;
  facts[source.kind] = source.uri;
  facts["fps"] = source.unpaced ? "max" : source.fps > 0 ? fmt::format("{:g}", source.fps) : "its own";
  facts["when_late"] = source.drop_when_late ? "drop" : "keep";
  facts["max_age"] = duration_or(source.max_age_ms, "none");
  facts["max_pixels"] = std::to_string(source.max_pixels);
  facts["node"] = source.node.empty() ? "any" : source.node;
  facts["codec"] = source.codec.empty() ? "as it comes" : source.codec;
  add_params(source.params, facts);
  return facts;
}

bool is_elastic(const std::string& key) {
  static const std::set<std::string> kKeys = {"group.min",    "group.max",   "group.spares",
                                              "group.target", "group.drain", "group.calm"};
  return kKeys.contains(key);
}

void compare(const std::string& part, const Facts& before, const Facts& after, std::vector<Difference>& differences) {
  std::set<std::string> keys;
  for (const auto* facts : {&before, &after})
    for (const auto& [key, value] : *facts) keys.insert(key);
  for (const auto& key : keys) {
    const auto old = before.find(key), fresh = after.find(key);
    Difference one{.part = part, .key = key, .before = {}, .after = {}, .at_once = is_elastic(key)};
    if (old != before.end()) one.before = old->second;
    if (fresh != after.end()) one.after = fresh->second;
    if (one.before != one.after) differences.push_back(std::move(one));
  }
}

const StageSpec* find(const std::vector<StageSpec>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}
const SourceSpec* find(const std::vector<SourceSpec>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

template <class Part>
void compare_parts(const JobSpec& before, const JobSpec& after, std::vector<Part> JobSpec::*parts, const char* what,
                   std::vector<Difference>& differences) {
  for (const auto& old : before.*parts) {
    const auto* fresh = find(after.*parts, old.name);
    if (fresh == nullptr)
      differences.push_back({.part = old.name, .key = {}, .before = what, .after = {}});
    else
      compare(old.name, facts_of(before, old), facts_of(after, *fresh), differences);
  }
  for (const auto& fresh : after.*parts)
    if (find(before.*parts, fresh.name) == nullptr)
      differences.push_back({.part = fresh.name, .key = {}, .before = {}, .after = what});
}

// Parts that are in both come in the order of `before`, new ones behind them.
template <class Part, class Key>
void order_as(const std::vector<Part>& before, std::vector<Part>& after, Key key) {
  const auto rank = [&](const Part& part) {
    return std::find_if(before.begin(), before.end(), [&](const Part& one) { return key(one) == key(part); }) -
           before.begin();
  };
  std::stable_sort(after.begin(), after.end(), [&](const Part& a, const Part& b) { return rank(a) < rank(b); });
}

void order_outputs(const std::vector<OutputSpec>& before, std::vector<OutputSpec>& after) {
  order_as(before, after,
           [](const OutputSpec& one) { return std::pair(one.port, one.to.empty() ? one.topic : one.to); });
}

void rename(std::string& name, const std::string& from, const std::string& to) {
  if (name.starts_with(from)) name.replace(0, from.size(), to);
}

}  // namespace

bool takes_effect_at_once(const JobSpec& before, const JobSpec& after) {
  if (before.stages.size() != after.stages.size()) return false;
  auto same = after;
  same.priority = before.priority;
  for (std::size_t i = 0; i < same.stages.size(); ++i) {
    auto& group = same.stages[i].group;
    const auto& old = before.stages[i].group;
    group.min = old.min;
    group.max = old.max;
    group.spares = old.spares;
    group.scaling = old.scaling;
  }
  return same == before;
}

JobSpec as_change_of(const JobSpec& before, JobSpec after) {
  const auto names = [](const JobSpec& spec) {
    return fmt::format("{}.{}.{}.", spec.prefix, spec.job.value, spec.run.value);
  };
  const auto from = names(after), to = names(before);
  after.run = before.run;
  const auto by_name = [](const auto& one) { return one.name; };
  order_as(before.sources, after.sources, by_name);
  order_as(before.stages, after.stages, by_name);
  for (auto& source : after.sources) {
    for (auto& output : source.outputs) rename(output.topic, from, to);
    const auto* old = find(before.sources, source.name);
    if (old == nullptr) continue;
    source.max_message_bytes = old->max_message_bytes;
    order_outputs(old->outputs, source.outputs);
  }
  for (auto& stage : after.stages) {
    rename(stage.topic, from, to);
    rename(stage.group_id, from, to);
    for (auto& output : stage.outputs) rename(output.topic, from, to);
    const auto* old = find(before.stages, stage.name);
    if (old == nullptr) continue;
    stage.max_message_bytes = old->max_message_bytes;
    for (auto& [param, file] : stage.artifacts)  // where it lies is no difference
      if (const auto found = old->artifacts.find(param);
          found != old->artifacts.end() && file.is_same_file(found->second))
        file = found->second;
    order_outputs(old->outputs, stage.outputs);
    order_as(old->upstreams, stage.upstreams, by_name);
  }
  return after;
}

JobChange change_of(const JobSpec& before, const JobSpec& after) {
  JobChange change;
  if (before == after) return change;
  auto& differences = change.differences;
  if (before.priority != after.priority)
    differences.push_back({.part = {},
                           .key = "priority",
                           .before = std::to_string(before.priority),
                           .after = std::to_string(after.priority),
                           .at_once = true});
  compare_parts(before, after, &JobSpec::sources, "source", differences);
  compare_parts(before, after, &JobSpec::stages, "stage", differences);
  change.kind = takes_effect_at_once(before, after) ? JobChange::Kind::at_once : JobChange::Kind::replace;
  // A vague difference is better than none.
  const bool explained =
      std::any_of(differences.begin(), differences.end(), [](const auto& one) { return !one.at_once; });
  if (change.kind == JobChange::Kind::replace && !explained)
    differences.push_back({.part = {}, .key = "layout", .before = "as planned before", .after = "another one"});
  return change;
}

std::string to_string(const Difference& difference) {
  const auto& [part, key, before, after, at_once] = difference;
  if (key.empty())
    return before.empty() ? fmt::format("{}: a new {}", part, after)
                          : fmt::format("{}: the {} was removed", part, before);
  const auto value = [](const std::string& text) { return text.empty() ? std::string("nothing") : text; };
  return fmt::format("{}{} {} → {}", part.empty() ? "" : part + ": ", key, value(before), value(after));
}

std::string to_string(const std::vector<Difference>& differences) {
  std::string text;
  for (const auto& one : differences) text += (text.empty() ? "" : "; ") + to_string(one);
  return text;
}

const char* to_string(JobChange::Kind kind) {
  switch (kind) {
    case JobChange::Kind::none:
      return "none";
    case JobChange::Kind::at_once:
      return "at_once";
    case JobChange::Kind::replace:
      return "replace";
  }
  return "";
}

}  // namespace ride::master
