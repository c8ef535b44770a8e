#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/suggest.h"
#include "common/wording.h"
#include "topology/draft.h"

namespace ride::topology {
namespace {

constexpr std::int64_t kMostOfStage = 4096;
constexpr milliseconds kDefaultRetention = std::chrono::minutes(10);

void parse_from(Context& context, const YamlEntry& entry, StageDraft& draft) {
  draft.from_given = true;
  const YamlNode& node = *entry.value;
  if (node.kind == YamlNode::Kind::list && node.items.empty())
    context.error(node.place, "'from' is an empty list", "name the sources and stages to read");
  draft.from = parse_references(context, entry);
}

void parse_adopted(Context& context, SectionReader& reader, const YamlNode& node, StageDraft& draft) {
  AdoptedTopic adopted;
  draft.adopt_place = reader.key_place("adopt");
  adopted.name = reader.text("name").value_or("");
  if (!reader.has("name")) {
    context.error(node.place, "an adopted topic needs its name", "add name: TOPIC beside adopt: true");
  }
  adopted.format = reader.text("format").value_or("image");
  const bool raw = adopted.format == "raw";
  if (raw) {
    adopted.shape = reader.text("shape").value_or("");
    adopted.depth = reader.text("depth").value_or("8u");
    adopted.frame = parse_shape(adopted.shape, adopted.depth);
    if (!reader.has("shape")) {
      context.error(reader.place("format"), "raw pixels need a shape to be read", "add shape: 900x900x1 (rows first)");
    }
  }
  for (const char* key : {"shape", "depth"}) {
    if (raw || !reader.has(key)) continue;
    context.error(reader.key_place(key), fmt::format("'{}' is only for format: raw", key),
                  "remove it, or write format: raw");
  }
  for (const char* key : {"replication", "retention", "keep", "partition_by"}) {
    if (!reader.has(key)) continue;
    context.error(reader.key_place(key), fmt::format("'{}' cannot be set on an adopted topic: it is not RIDE's", key),
                  "remove it; whoever made the topic decides this");
  }
  draft.stage.topic.adopt = std::move(adopted);
}

void parse_own_topic(Context& context, SectionReader& reader, TopicSettings& topic) {
  for (const char* key : {"name", "format", "shape", "depth"}) {
    if (!reader.has(key)) continue;
    context.error(reader.key_place(key),
                  fmt::format("'{}' is only for a topic with adopt: true; RIDE names its own topics", key),
                  "remove it, or add adopt: true to read an existing topic in place");
  }
  if (const auto replication = reader.whole("replication")) topic.replication = static_cast<int>(*replication);
  topic.retention = reader.duration("retention").value_or(kDefaultRetention);
  topic.keep = reader.duration("keep").value_or(milliseconds{0});
  if (topic.keep > topic.retention) {
    context.error(reader.place("keep"),
                  fmt::format("'keep' ({}) is longer than 'retention' ({}), which deletes the frames before",
                              format_duration(topic.keep), format_duration(topic.retention)),
                  fmt::format("write retention: {} or more", format_duration(topic.keep)));
  }
}

void parse_partition_by(Context& context, SectionReader* reader, StageDraft& draft) {
  const bool ordered = draft.task != nullptr && draft.task->needs_order;
  const auto given = reader != nullptr ? reader->text("partition_by") : std::nullopt;
  TopicSettings& topic = draft.stage.topic;
  topic.partition_by = ordered ? PartitionBy::source : PartitionBy::frame;
  if (given) topic.partition_by = *given == "source" ? PartitionBy::source : PartitionBy::frame;
  if (ordered && given && *given == "frame") {
    context.error(reader->place("partition_by"),
                  fmt::format("task '{}' needs each source's frames in order", draft.task->name),
                  "write partition_by: source");
  }
}

void parse_topic(Context& context, const YamlEntry* entry, StageDraft& draft) {
  TopicSettings& topic = draft.stage.topic;
  topic.retention = kDefaultRetention;
  if (entry == nullptr) return parse_partition_by(context, nullptr, draft);
  SectionReader reader(context, *entry->value, topic_section(), "topic of " + draft.label);
  topic.partitions = static_cast<int>(reader.whole("partitions").value_or(0));
  topic.partitions_given = reader.has("partitions");
  if (reader.flag("adopt").value_or(false)) {
    topic.retention = milliseconds{0};
    parse_adopted(context, reader, *entry->value, draft);
  } else {
    parse_own_topic(context, reader, topic);
    parse_partition_by(context, &reader, draft);
  }
}

// How to follow the frame rate says nothing where the size is fixed.
void warn_of_idle_scaling(Context& context, const SectionReader& reader, const Group& group) {
  for (const char* key : {"target", "drain", "calm"}) {
    if (!reader.has(key)) continue;
    context.warning(reader.key_place(key),
                    fmt::format("'{}' has no effect: the group always has {}", key, counted(group.min, "worker")),
                    fmt::format("write max: {} or more for a group that grows, or remove it", group.min + 1));
  }
}

void parse_group(Context& context, const YamlEntry* entry, StageDraft& draft) {
  if (entry == nullptr) return;
  Group& group = draft.stage.group;
  SectionReader reader(context, *entry->value, group_section(), "group of " + draft.label);
  const std::string device = reader.text("device").value_or("cpu");
  group.device = device == "gpu" ? DeviceChoice::gpu : device == "cpu" ? DeviceChoice::cpu : DeviceChoice::prefer_gpu;
  group.min = static_cast<int>(reader.whole("min").value_or(1));
  group.max = static_cast<int>(reader.whole("max").value_or(group.min));
  group.spares = static_cast<int>(reader.whole("spares").value_or(0));
  group.cores = reader.number("cores").value_or(0);
  group.memory_bytes = reader.whole("memory").value_or(0);
  if (reader.has("memory")) draft.memory_place = reader.place("memory");
  if (const YamlEntry* labels = reader.entry("labels")) parse_labels(context, *labels, group.labels);
  group.target = reader.number("target").value_or(group.target);
  group.drain = reader.duration("drain").value_or(group.drain);
  group.calm = reader.duration("calm").value_or(group.calm);
  if (group.min == group.max) warn_of_idle_scaling(context, reader, group);
  if (group.min > group.max) {
    context.error(reader.place("min"), fmt::format("'min' ({}) is above 'max' ({})", group.min, group.max),
                  fmt::format("write max: {} or more, or a smaller min", group.min));
  }
  if (group.device == DeviceChoice::gpu && draft.task != nullptr && !draft.task->gpu) {
    context.error(reader.place("device"), fmt::format("task '{}' cannot compute on a GPU", draft.task->name),
                  "write device: cpu");
  }
}

// Every worker needs a partition of its own.
void settle_partitions(Context& context, const YamlEntry* topic, StageDraft& draft) {
  TopicSettings& settings = draft.stage.topic;
  if (draft.stage.group.min > draft.stage.group.max) return;  // reported already
  const int workers = draft.stage.group.max;
  if (settings.partitions == 0 && !settings.adopt) {
    settings.partitions = static_cast<int>(std::min<std::int64_t>(kMostOfStage, std::max(4, 2 * workers)));
  }
  if (settings.partitions == 0 || workers <= settings.partitions) return;
  const YamlEntry* partitions = topic == nullptr ? nullptr : topic->value->find("partitions");
  context.error(partitions == nullptr ? draft.name_place : partitions->value->place,
                fmt::format("a group of up to {} workers, but the topic has {}: {} would have nothing to do", workers,
                            counted(settings.partitions, "partition"), workers - settings.partitions),
                fmt::format("write partitions: {}, or group: {{ max: {} }}",
                            std::min<std::int64_t>(kMostOfStage, std::int64_t{2} * workers), settings.partitions));
}

void parse_output(Context& context, const YamlNode& node, const std::string& port, StageDraft& draft) {
  SectionReader reader(context, node, output_section(), "output of " + draft.label);
  const auto topic = reader.text("topic");
  const auto partitions = reader.whole("partitions");
  if (!topic) return;
  NamedOutput output{.port = port, .topic = *topic, .partitions = std::nullopt};
  if (partitions) output.partitions = static_cast<int>(*partitions);
  draft.stage.outputs.push_back(std::move(output));
  draft.output_places.push_back(reader.place("topic"));
}

// { topic: OUT } for the default port, or a map from port to it.
void parse_outputs(Context& context, const YamlEntry& entry, StageDraft& draft) {
  const YamlNode& node = *entry.value;
  const std::vector<std::string> ports = draft.task == nullptr ? std::vector<std::string>{} : draft.task->outputs;
  const auto names_port = [&](const YamlEntry& e) {
    return std::find(ports.begin(), ports.end(), e.key) != ports.end();
  };
  const bool by_port = node.kind == YamlNode::Kind::map && node.find("topic") == nullptr &&
                       std::any_of(node.entries.begin(), node.entries.end(), [&](const YamlEntry& e) {
                         return names_port(e) || e.value->kind == YamlNode::Kind::map;
                       });
  if (!by_port) return parse_output(context, node, ports.empty() ? "" : ports.front(), draft);
  for (const YamlEntry& port : node.entries) {
    if (names_port(port)) {
      parse_output(context, *port.value, port.key, draft);
    } else if (draft.task != nullptr) {
      context.error(
          port.place,
          fmt::format("task '{}' has no output port '{}'{}", draft.task->name, port.key, did_you_mean(port.key, ports)),
          fmt::format("its ports: {}", fmt::join(ports, ", ")));
    }
  }
}

void parse_task(Context& context, SectionReader& reader, StageDraft& draft, const TaskCatalog& catalog) {
  draft.task_place = reader.place("task");
  const auto task = reader.text("task");
  if (!task) return;
  draft.stage.task = *task;
  draft.task = catalog.find(*task);
  if (draft.task == nullptr) {
    const std::string shown = reader.entry("task")->value->text;
    context.error(draft.task_place, fmt::format("unknown task '{}'{}", shown, did_you_mean(*task, catalog.names())),
                  fmt::format("known: {}", fmt::join(catalog.names(), ", ")));
    return;
  }
  if (draft.task->sink && !draft.stage.sink) {
    context.error(draft.task_place, fmt::format("'{}' is a sink: nothing comes out of it", *task),
                  fmt::format("move {} under sinks:", draft.label));
  } else if (!draft.task->sink && draft.stage.sink) {
    context.error(draft.task_place, fmt::format("'{}' is not a sink: what it emits would go nowhere", *task),
                  fmt::format("move {} under stages:, and let a sink read it", draft.label));
  }
}

StageDraft parse_stage(Context& context, const YamlNode& node, bool sink, const TaskCatalog& catalog) {
  StageDraft draft;
  draft.stage.sink = sink;
  const char* what = sink ? "sink" : "stage";
  const YamlEntry* named = node.kind == YamlNode::Kind::map ? node.find("name") : nullptr;
  const bool has_name = named != nullptr && named->value->kind == YamlNode::Kind::scalar;
  draft.label = has_name ? fmt::format("{} '{}'", what, named->value->text) : fmt::format("a {}", what);
  draft.name_place = has_name ? named->value->place : node.place;
  SectionReader reader(context, node, sink ? sink_section() : stage_section(), draft.label);
  if (node.kind != YamlNode::Kind::map) return draft;
  draft.stage.name = reader.text("name").value_or("");
  parse_task(context, reader, draft, catalog);
  if (draft.task != nullptr) {
    draft.stage.params = parse_params(context, *draft.task, reader.entry("params"), draft.task_place);
  }
  if (const YamlEntry* from = reader.entry("from")) parse_from(context, *from, draft);
  parse_topic(context, reader.entry("topic"), draft);
  parse_group(context, reader.entry("group"), draft);
  settle_partitions(context, reader.entry("topic"), draft);
  if (!sink) {
    draft.stage.codec = reader.text("codec").value_or("");
    if (const YamlEntry* output = reader.entry("output")) parse_outputs(context, *output, draft);
  }
  draft.stage.frame_timeout = reader.duration("frame_timeout").value_or(milliseconds{0});
  draft.stage.max_age = reader.duration("max_age").value_or(milliseconds{0});
  draft.stage.max_pixels = reader.whole("max_pixels").value_or(kDefaultMaxPixels);
  if (reader.has("max_pixels")) draft.max_pixels_place = reader.place("max_pixels");
  return draft;
}

}  // namespace

std::vector<ReferenceDraft> parse_references(Context& context, const YamlEntry& entry) {
  const YamlNode& node = *entry.value;
  std::vector<const YamlNode*> items;
  if (node.kind == YamlNode::Kind::list) {
    for (const auto& item : node.items) items.push_back(item.get());
  } else {
    items.push_back(&node);
  }
  std::vector<ReferenceDraft> references;
  for (const YamlNode* item : items) {
    const auto scalar = context.scalar(*item, entry.key, "the name of a source or stage");
    if (!scalar) continue;
    const std::size_t dot = scalar->text.find('.');
    ReferenceDraft reference{
        .text = scalar->text, .name = scalar->text.substr(0, dot), .port = "", .place = scalar->place};
    if (dot != std::string::npos) reference.port = scalar->text.substr(dot + 1);
    references.push_back(std::move(reference));
  }
  return references;
}

void parse_labels(Context& context, const YamlEntry& entry, std::map<std::string, std::string>& labels) {
  if (entry.value->kind != YamlNode::Kind::map) {
    context.error(entry.value->place,
                  fmt::format("'{}' is {}, but a map is expected", entry.key, kind_text(entry.value->kind)),
                  fmt::format("write {}: {{ name: value }}", entry.key));
    return;
  }
  for (const YamlEntry& label : entry.value->entries) {
    if (const auto value = context.scalar(*label.value, label.key, "a text")) labels[label.key] = value->text;
  }
}

std::vector<StageDraft> parse_stages(Context& context, const YamlNode& list, bool sinks, const TaskCatalog& catalog) {
  std::vector<StageDraft> drafts;
  const char* key = sinks ? "sinks" : "stages";
  if (list.kind != YamlNode::Kind::list) {
    context.error(list.place, fmt::format("'{}' is {}, but a list is expected", key, kind_text(list.kind)),
                  fmt::format("start each {} with '- name: ...'", sinks ? "sink" : "stage"));
    return drafts;
  }
  if (list.items.size() > kMaxStages) {
    context.error(list.place, fmt::format("{} {}; at most {} make a job", list.items.size(), key, kMaxStages),
                  "split the job");
    return drafts;
  }
  for (const auto& item : list.items) {
    StageDraft draft = parse_stage(context, *item, sinks, catalog);
    if (item->kind == YamlNode::Kind::map) drafts.push_back(std::move(draft));
  }
  return drafts;
}

}  // namespace ride::topology
