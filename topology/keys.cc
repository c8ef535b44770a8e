#include "topology/keys.h"

namespace ride::topology {
namespace {

constexpr double kMaxPartitions = 4096;
constexpr double kYearMs = 365.0 * 24 * 3600 * 1000;
constexpr double kLeastWaitMs = 100, kMostWaitMs = 3600.0 * 1000;  // of a camera
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

}  // namespace

const Section& synthetic_section() {
  static const Section section{
      "synthetic",
      "A made-up scene, for tests and demonstrations; equal seeds give equal frames.",
      {
          {.name = "width",
           .type = KeyType::integer,
           .doc = "Columns of a frame.",
           .default_text = "640",
           .min = 1,
           .max = 65535,
           .example = "900"},
          {.name = "height",
           .type = KeyType::integer,
           .doc = "Rows of a frame.",
           .default_text = "480",
           .min = 1,
           .max = 65535,
           .example = "900"},
          {.name = "channels",
           .type = KeyType::integer,
           .doc = "Channels of 8 bits: 1 is gray, 3 is BGR.",
           .default_text = "3",
           .min = 1,
           .max = 4,
           .example = "1"},
          {.name = "frames",
           .type = KeyType::integer,
           .doc = "Number of frames after which the source ends.",
           .default_text = "endless",
           .min = 1,
           .max = 1e15,
           .example = "1800"},
          {.name = "seed",
           .type = KeyType::integer,
           .doc = "Seed of what is random in it.",
           .default_text = "1",
           .min = 0,
           .max = 9007199254740991.0,
           .example = "7"},
          {.name = "scene",
           .type = KeyType::choice,
           .doc = "moving: shapes that move over a background; noise: independent random pixels.",
           .default_text = "moving",
           .choices = {"moving", "noise"},
           .example = "noise"},
      }};
  return section;
}

const Section& source_section() {
  static const Section section{
      "sources",
      "Where frames come from. Each source has a name and one of camera, video, directory, synthetic or topic; the "
      "other keys are common, or belong to one kind.",
      {
          {.name = "camera",
           .type = KeyType::camera,
           .doc = "A network camera (rtsp, http, udp, ... URL), a device (/dev/video0) or its index. Credentials are "
                  "written as ${VAR}, filled in by the producer from its environment.",
           .example = "\"rtsp://${CAM_USER}:${CAM_PASS}@gate.example/stream\""},
          {.name = "video", .type = KeyType::uri, .doc = "A video file, read from its start.", .example = "street.avi"},
          {.name = "directory",
           .type = KeyType::uri,
           .doc = "A folder of pictures, read once in order of their names; broken files are skipped and reported.",
           .example = "pictures"},
          {.name = "synthetic",
           .type = KeyType::section,
           .doc = "A made-up scene.",
           .section = &synthetic_section(),
           .example = "{ width: 900, height: 900, channels: 1 }"},
          {.name = "topic",
           .type = KeyType::topic_name,
           .doc = "An existing Kafka topic whose records are copied into the job as frames.",
           .example = "plates"},
          {.name = "fps",
           .type = KeyType::fps,
           .doc = "Frames per second: paces files, caps cameras; max: as fast as they are taken.",
           .default_text = "the source's own rate: a camera's, a video's; synthetic 30; directories and topics max",
           .min = 0.001,
           .max = 100000,
           .example = "30"},
          {.name = "codec",
           .type = KeyType::codec,
           .doc = "How pictures are written: raw, raw:zstd, png, jpeg or jpeg:QUALITY.",
           .default_text = "picture files keep their bytes, network cameras jpeg:90, all else raw",
           .example = "jpeg:90"},
          {.name = "when_late",
           .type = KeyType::choice,
           .doc = "What happens when frames come faster than they can be written: keep makes the source wait, drop "
                  "leaves frames out and counts them.",
           .default_text = "drop for cameras, keep for all else",
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
           .doc = "Larger pictures are refused before they are decoded, and so is what would take far more memory or "
                  "time than a picture of its bytes.",
           .default_text = "1000MP",
           .min = 1,
           .max = 1e12,
           .example = "100MP"},
          {.name = "connect_timeout",
           .type = KeyType::duration,
           .doc =
               "Camera, or video of a URL: how long it may take to answer and to begin its stream, before it is tried "
               "again.",
           .default_text = "10s",
           .min = kLeastWaitMs,
           .max = kMostWaitMs,
           .example = "30s"},
          {.name = "read_timeout",
           .type = KeyType::duration,
           .doc =
               "Camera, or video of a URL: how long no picture may come before it counts as lost and is opened again; "
               "more than the time between two of its pictures.",
           .default_text = "5s",
           .min = kLeastWaitMs,
           .max = kMostWaitMs,
           .example = "15s"},
          {.name = "loop",
           .type = KeyType::loop,
           .doc = "Video: true plays it for ever, a number so many times.",
           .default_text = "false",
           .min = 1,
           .max = 1e9,
           .example = "true"},
          {.name = "glob",
           .type = KeyType::text,
           .doc = "Directory: which file names are taken.",
           .default_text = "\"*\", of the known picture types",
           .example = "\"*.jpg\""},
          {.name = "recursive",
           .type = KeyType::boolean,
           .doc = "Directory: folders within it as well; one that cannot be read is counted as rejected, and the "
                  "others are read.",
           .default_text = "false",
           .example = "true"},
          {.name = "format",
           .type = KeyType::choice,
           .doc = "Topic: what its records hold; image: JPEG or PNG, recognised by the first bytes.",
           .default_text = "image",
           .choices = {"raw", "jpeg", "png", "image"},
           .example = "raw"},
          {.name = "shape",
           .type = KeyType::shape,
           .doc = "Topic of raw pixels: rows x columns x channels.",
           .example = "900x900x1"},
          {.name = "depth",
           .type = KeyType::choice,
           .doc = "Topic of raw pixels: the type of a value.",
           .default_text = "8u",
           .choices = {"8u", "16u", "32f"},
           .example = "16u"},
      }};
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
      }};
  return section;
}

std::vector<const Section*> all_sections() {
  return {&file_section(), &source_section(), &synthetic_section(), &stage_section(),
          &sink_section(), &topic_section(),  &group_section(),     &output_section()};
}

const std::vector<std::string>& source_kinds() {
  static const std::vector<std::string> kinds = {"camera", "video", "directory", "synthetic", "topic"};
  return kinds;
}

const std::vector<KindKey>& kind_keys() {
  static const std::vector<KindKey> keys = {
      {"loop", "video"},          {"glob", "directory"},    {"recursive", "directory"},    {"format", "topic"},
      {"shape", "topic"},         {"depth", "topic"},       {"connect_timeout", "camera"}, {"connect_timeout", "video"},
      {"read_timeout", "camera"}, {"read_timeout", "video"}};
  return keys;
}

const KeySpec* Section::find(std::string_view key) const {
  for (const KeySpec& spec : keys) {
    if (spec.name == key) return &spec;
  }
  return nullptr;
}

std::vector<std::string> Section::names() const {
  std::vector<std::string> names;
  for (const KeySpec& spec : keys) names.push_back(spec.name);
  return names;
}

}  // namespace ride::topology
