#include "topology/keys.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>
#include <map>

#include "common/check.h"

namespace ride::topology {
namespace {

constexpr double kMaxPartitions = 4096;
constexpr double kYearMs = 365.0 * 24 * 3600 * 1000;
constexpr double kTebi = 1024.0 * 1024 * 1024 * 1024;

std::vector<KeySpec> reader_keys(bool sink) {
  std::vector<KeySpec> keys = {
      {.name = "name",
       .type = KeyType::name,
       .doc = "Name of the stage, part of its topic's name; unique in the file.",
       .required = true,
       .example = "clean"},
      {.name = "from",
       .type = KeyType::references,
       .doc = "Who writes into this stage's topic: sources, stages, or one port of a stage as stage.port. Absent only "
              "where the topic is adopted.",
       .example = "[gate, clean]"},
      {.name = "topic",
       .type = KeyType::section,
       .doc = "The stage's input topic.",
       .section = &topic_section(),
       .example = "{ partitions: 12 }"},
      {.name = "task",
       .type = KeyType::text,
       .doc = "What the stage does to a frame; `ride tasks` lists all.",
       .required = true,
       .example = "gaussian_blur"},
      {.name = "params",
       .type = KeyType::params,
       .doc = "Parameters of the task.",
       .default_text = "the task's defaults",
       .example = "{ ksize: 61 }"},
      {.name = "group",
       .type = KeyType::section,
       .doc = "The workers of the stage.",
       .default_text = "one worker on a CPU",
       .section = &group_section(),
       .example = "{ min: 2, max: 6 }"},
  };
  if (!sink) {
    keys.push_back({.name = "codec",
                    .type = KeyType::codec,
                    .doc = "How the stage writes pictures: raw, raw:zstd, png, jpeg or jpeg:QUALITY.",
                    .default_text = "an unchanged picture keeps its bytes, others are raw",
                    .example = "jpeg:90"});
    keys.push_back({.name = "output",
                    .type = KeyType::outputs,
                    .doc = "A topic outside the job that the stage writes into as well; for a task of several ports a "
                           "map from port to it.",
                    .default_text = "none",
                    .section = &output_section(),
                    .example = "{ topic: edges }"});
  }
  keys.push_back(
      {.name = "frame_timeout",
       .type = KeyType::duration,
       .doc =
           "How long the task may work on one frame without reporting progress before it counts as hung: its worker is "
           "killed, and after two such ends the frame is dead. To see it: `task: delay, params: { ms: 60000, frame: "
           "17, progress: false }`.",
       .default_text = "the larger of 10s and 20 times its median; large first pictures get more",
       .min = 10,
       .max = kYearMs,
       .example = "30s"});
  keys.push_back({.name = "max_age",
                  .type = KeyType::duration,
                  .doc = "Frames that are older when their turn comes are dropped, and counted.",
                  .default_text = "none",
                  .min = 1,
                  .max = kYearMs,
                  .example = "2s"});
  keys.push_back({.name = "max_pixels",
                  .type = KeyType::pixels,
                  .doc = "Larger pictures are refused before they are decoded, and so is what would take far more "
                         "memory or time than a picture of its bytes.",
                  .default_text = "1000MP",
                  .min = 1,
                  .max = 1e12,
                  .example = "100MP"});
  return keys;
}

// "camera, video: its own; synthetic: 30": what each kind does, kinds that do the same together.
std::string by_kind(const std::function<std::string(const SourceDecl&)>& words_of) {
  std::vector<std::pair<std::string, std::string>> groups;  // words and kinds
  for (const SourceDecl& kind : source_kinds()) {
    const std::string words = words_of(kind);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == words; });
    if (group == groups.end())
      groups.emplace_back(words, kind.name);
    else
      group->second += ", " + kind.name;
  }
  std::string text;
  for (const auto& [words, kinds] : groups) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", kinds, words);
  return text;
}

std::vector<KeySpec> common_source_keys() {
  return {
      {.name = "fps",
       .type = KeyType::fps,
       .doc = "Frames per second: paces files, caps cameras; max: as fast as they are taken.",
       .default_text = by_kind([](const SourceDecl& kind) {
         return kind.fps        ? fmt::format("{}", *kind.fps)
                : kind.own_rate ? std::string("its own rate")
                                : std::string("max");
       }),
       .min = 0.001,
       .max = 100000,
       .example = "30"},
      {.name = "codec",
       .type = KeyType::codec,
       .doc = "How pictures are written: raw, raw:zstd, png, jpeg or jpeg:QUALITY.",
       .default_text = by_kind([](const SourceDecl& kind) { return kind.codec_text; }),
       .example = "jpeg:90"},
      {.name = "when_late",
       .type = KeyType::choice,
       .doc = "What happens when frames come faster than they can be written: keep makes the source wait, drop "
              "leaves frames out and counts them.",
       .default_text = by_kind([](const SourceDecl& kind) { return kind.drop_when_late ? "drop" : "keep"; }),
       .choices = {"keep", "drop"},
       .example = "drop"},
      {.name = "max_age",
       .type = KeyType::duration,
       .doc = "Frames that are older when they could be written are dropped, and counted.",
       .default_text = "none",
       .min = 1,
       .max = kYearMs,
       .example = "2s"},
      {.name = "node",
       .type = KeyType::text,
       .doc = "The node where the device or folder is.",
       .default_text = "any",
       .example = "gatehouse"},
      {.name = "max_pixels",
       .type = KeyType::pixels,
       .doc = "Larger pictures are refused before they are decoded, and so is what would take far more memory or time "
              "than a picture of its bytes.",
       .default_text = "1000MP",
       .min = 1,
       .max = 1e12,
       .example = "100MP"},
  };
}

}  // namespace

const Section* section_of(const SourceDecl& kind) {
  static const std::map<std::string, Section> sections = [] {
    std::map<std::string, Section> all;
    for (const SourceDecl& one : source_kinds())
      if (one.what.type == KeyType::section) all[one.name] = {one.name, one.section_doc, one.keys};
    return all;
  }();
  const auto found = sections.find(kind.name);
  return found == sections.end() ? nullptr : &found->second;
}

const Section& source_section() {
  static const Section section = [] {
    std::vector<std::string> kinds;
    Section all{"sources", "", {}};
    for (const SourceDecl& kind : source_kinds()) {
      kinds.push_back(kind.name);
      all.keys.push_back(kind.what);
      all.keys.back().section = section_of(kind);
    }
    const std::string last = kinds.back();
    kinds.pop_back();
    all.doc = fmt::format(
        "Where frames come from. Each source has a name and one of {} or {}; the other keys are common, or "
        "belong to one kind.",
        fmt::join(kinds, ", "), last);
    for (KeySpec& key : common_source_keys()) all.keys.push_back(std::move(key));
    for (const SourceDecl& kind : source_kinds())
      for (const KeySpec& key : kind.keys) {
        if (section_of(kind) != nullptr) continue;
        const KeySpec* known = all.find(key.name);  // of another kind, too: then it is the same key
        RIDE_CHECK(known == nullptr || *known == key,
                   "source kind '" + kind.name + "': another key has the name '" + key.name + "'");
        if (known == nullptr) all.keys.push_back(key);
      }
    return all;
  }();
  return section;
}

const Section& topic_section() {
  static const Section section{
      "topic",
      "A stage's input topic. RIDE makes and names it, unless a foreign topic is adopted: that is read in place.",
      {
          {.name = "partitions",
           .type = KeyType::integer,
           .doc = "Parts that are processed in parallel; each has one worker at a time, so a group cannot be larger.",
           .default_text = "the larger of 4 and 2 x group.max; an adopted topic has its own",
           .min = 1,
           .max = kMaxPartitions,
           .example = "12"},
          {.name = "replication",
           .type = KeyType::integer,
           .doc = "Brokers that hold each frame.",
           .default_text = "3, or the number of brokers where there are fewer",
           .min = 1,
           .max = 32,
           .example = "3"},
          {.name = "retention",
           .type = KeyType::duration,
           .doc = "How long frames wait for their readers before Kafka deletes them; they count as expired then.",
           .default_text = "10m",
           .min = 1000,
           .max = kYearMs,
           .example = "1h"},
          {.name = "keep",
           .type = KeyType::duration,
           .doc = "How long frames stay for replay after all readers have taken them.",
           .default_text = "0s",
           .min = 0,
           .max = kYearMs,
           .example = "5m"},
          {.name = "partition_by",
           .type = KeyType::choice,
           .doc = "frame: round-robin; source: all frames of a source in one partition, in order.",
           .default_text = "frame, or source where the task needs order",
           .choices = {"frame", "source"},
           .example = "source"},
          {.name = "adopt",
           .type = KeyType::boolean,
           .doc = "Read the existing topic of this name in place, instead of making one.",
           .default_text = "false",
           .example = "true"},
          {.name = "name", .type = KeyType::topic_name, .doc = "Name of the adopted topic.", .example = "plates"},
          {.name = "format",
           .type = KeyType::choice,
           .doc = "What an adopted topic's records hold; image: JPEG or PNG, recognised by the first bytes.",
           .default_text = "image",
           .choices = {"raw", "jpeg", "png", "image"},
           .example = "raw"},
          {.name = "shape",
           .type = KeyType::shape,
           .doc = "Raw pixels of an adopted topic: rows x columns x channels.",
           .example = "900x900x1"},
          {.name = "depth",
           .type = KeyType::choice,
           .doc = "Raw pixels of an adopted topic: the type of a value.",
           .default_text = "8u",
           .choices = {"8u", "16u", "32f"},
           .example = "16u"},
      }};
  return section;
}

const Section& group_section() {
  static const Section section{
      "group",
      "The workers of a stage, and what each of them needs.",
      {
          {.name = "device",
           .type = KeyType::choice,
           .doc = "Where the task computes. gpu and prefer_gpu are for tasks that have a GPU variant, and no "
                  "built-in task has one yet: gpu is refused, prefer_gpu is the CPU.",
           .default_text = "cpu",
           .choices = {"cpu", "gpu", "prefer_gpu"},
           .example = "cpu"},
          {.name = "min",
           .type = KeyType::integer,
           .doc = "The fewest workers.",
           .default_text = "1",
           .min = 1,
           .max = kMaxPartitions,
           .example = "2"},
          {.name = "max",
           .type = KeyType::integer,
           .doc = "The most workers.",
           .default_text = "min",
           .min = 1,
           .max = kMaxPartitions,
           .example = "6"},
          {.name = "spares",
           .type = KeyType::integer,
           .doc = "Warm workers that take over when one is lost.",
           .default_text = "0",
           .min = 0,
           .max = kMaxPartitions,
           .example = "1"},
          {.name = "cores",
           .type = KeyType::number,
           .doc = "CPU cores that are reserved for each worker.",
           .default_text = "shared with others",
           .min = 0.1,
           .max = 1024,
           .example = "2"},
          {.name = "memory",
           .type = KeyType::bytes,
           .doc = "Memory of each worker.",
           .default_text = "no limit",
           .min = 16.0 * 1024 * 1024,
           .max = 64 * kTebi,
           .example = "2GiB"},
          {.name = "target",
           .type = KeyType::number,
           .doc = "Share of its time that each worker should be busy; the rest is headroom. "
                  "Between min and max the group follows the frame rate.",
           .default_text = "0.8",
           .min = 0.1,
           .max = 1,
           .example = "0.7"},
          {.name = "drain",
           .type = KeyType::duration,
           .doc = "Frames that have piled up are to be worked off within it: the group grows "
                  "until it can.",
           .default_text = "10s",
           .min = 100,
           .max = 24.0 * 3600 * 1000,
           .example = "5s"},
          {.name = "calm",
           .type = KeyType::duration,
           .doc = "How long fewer workers must have been enough before the group shrinks.",
           .default_text = "30s",
           .min = 1000,
           .max = 24.0 * 3600 * 1000,
           .example = "1m"},
          {.name = "labels",
           .type = KeyType::labels,
           .doc = "Labels that a worker's node must carry (ride-agent --label site=north).",
           .default_text = "none",
           .example = "{ site: north }"},
      }};
  return section;
}

const Section& output_section() {
  static const Section section{
      "output",
      "A topic outside the job. It is made where it does not exist, and not deleted with the job.",
      {
          {.name = "topic", .type = KeyType::topic_name, .doc = "Its name.", .required = true, .example = "edges"},
          {.name = "partitions",
           .type = KeyType::integer,
           .doc = "Its partitions. With as many as the stage's own topic, a frame stays in its partition.",
           .default_text = "as many as the stage's own topic",
           .min = 1,
           .max = kMaxPartitions,
           .example = "4"},
      }};
  return section;
}

const Section& stage_section() {
  static const Section section{
      "stages", "What is done to frames: each stage has a topic, a task and a group of workers.", reader_keys(false)};
  return section;
}

const Section& sink_section() {
  static const Section section{"sinks", "Stages whose task ends the flow, such as write_images.", reader_keys(true)};
  return section;
}

const Section& file_section() {
  static const Section section{
      "the file",
      "A topology is one YAML document with these keys.",
      {
          {.name = "ride",
           .type = KeyType::choice,
           .doc = "Version of the format.",
           .required = true,
           .choices = {"v1"},
           .example = "v1"},
          {.name = "name", .type = KeyType::name, .doc = "Name of the job.", .required = true, .example = "street"},
          {.name = "priority",
           .type = KeyType::integer,
           .doc =
               "Where several jobs share the workers, those of a higher priority grow first. What a group has as its "
               "min is never taken for another job's growth.",
           .default_text = "0",
           .min = -1000,
           .max = 1000,
           .example = "10"},
          {.name = "plugins",
           .type = KeyType::files,
           .doc = "Plug-ins (.so) whose tasks the stages may name. They come with the job, and a node's workers load "
                  "those that its agent allows (`ride-agent --allow-plugin`). Relative paths begin in the folder where "
                  "the file is submitted.",
           .default_text = "none",
           .example = "[build/vignette.so]"},
          {.name = "sources",
           .type = KeyType::source_map,
           .doc = "A map from a source's name to what it is.",
           .section = &source_section(),
           .example = "{ gate: { camera: 0 } }"},
          {.name = "stages",
           .type = KeyType::stage_list,
           .doc = "A list of stages, in any order.",
           .section = &stage_section(),
           .example = "[]"},
          {.name = "sinks",
           .type = KeyType::sink_list,
           .doc = "A list of stages whose task ends the flow.",
           .section = &sink_section(),
           .example = "[]"},
          {.name = "tests",
           .type = KeyType::test_list,
           .doc = "What the stages make of known pictures; `ride test` runs them, all else passes over them.",
           .default_text = "none",
           .section = &test_section(),
           .example = "[]"},
      }};
  return section;
}

std::vector<const Section*> all_sections() {
  std::vector<const Section*> sections = {&file_section(), &source_section()};
  for (const SourceDecl& kind : source_kinds())
    if (const Section* own = section_of(kind)) sections.push_back(own);
  for (const Section* section :
       {&stage_section(), &sink_section(), &topic_section(), &group_section(), &output_section(), &test_section(),
        &input_section(), &expect_section(), &object_section()})
    sections.push_back(section);
  return sections;
}

const std::vector<KindKey>& kind_keys() {
  static const std::vector<KindKey> keys = [] {
    std::vector<KindKey> all;
    for (const SourceDecl& kind : source_kinds())
      for (const KeySpec& key : kind.keys)
        if (section_of(kind) == nullptr) all.push_back({key.name, kind.name});
    return all;
  }();
  return keys;
}

}  // namespace ride::topology
