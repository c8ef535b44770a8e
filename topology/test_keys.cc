// The keys of `tests` (keys.h).
#include "topology/keys.h"

namespace ride::topology {
namespace {

constexpr double kHourMs = 3600.0 * 1000;
constexpr double kMostFrames = 100'000;

// Frames that can be had again: by their place, or a file each.
bool repeats(const SourceDecl& kind) {
  return !kind.live && (kind.numbering == Numbering::by_position || kind.numbering == Numbering::by_manifest);
}

std::vector<KeySpec> frame_keys() {
  return {
      {.name = "frame",
       .type = KeyType::integer,
       .doc = "Number of the first frame that goes in.",
       .default_text = "0",
       .min = 0,
       .max = 1e12,
       .example = "200"},
      {.name = "frames",
       .type = KeyType::integer,
       .doc = "How many frames go in, one after the other.",
       .default_text = "1",
       .min = 1,
       .max = kMostFrames,
       .example = "10"},
  };
}

}  // namespace

const Section& test_section() {
  static const Section section{
      "tests",
      "A known picture goes through some stages, by the code that workers run, with each stage's parameters and the "
      "codecs between them, and without Kafka; sinks are left out. All frames go through one partition of each stage, "
      "in order. Frame n was captured n / fps seconds (25 where no fps is known) after the year 2000 began (UTC), and "
      "no frame is ever too old.",
      {
          {.name = "name",
           .type = KeyType::text,
           .doc = "What is expected, in words; unique in the file, at most 100 characters.",
           .required = true,
           .example = "finds the people"},
          {.name = "input",
           .type = KeyType::test_input,
           .doc = "What goes in. Relative paths begin in the folder of this file.",
           .required = true,
           .section = &input_section(),
           .example = "pictures/street.jpg"},
          {.name = "through",
           .type = KeyType::references,
           .doc = "The stages that it goes through, each read by the next; the last one may name a port (stage.port).",
           .default_text = "the one way from a source to the stage that a sink reads",
           .example = "[clean, people]"},
          {.name = "source",
           .type = KeyType::text,
           .doc = "The source whose frames the input stands for: with its name and its codec.",
           .default_text = "the first that the first stage reads",
           .example = "gate"},
          {.name = "attributes",
           .type = KeyType::labels,
           .doc = "Attributes that the frames have when they go in.",
           .default_text = "none",
           .example = "{ detections: '[]' }"},
          {.name = "expect",
           .type = KeyType::section,
           .doc = "What has to come out.",
           .required = true,
           .section = &expect_section(),
           .example = "{ picture: expected/street.png, psnr: 40 }"},
          {.name = "timeout",
           .type = KeyType::duration,
           .doc = "How long the test may take; then it is ended, and has failed.",
           .default_text = "2m",
           .min = 100,
           .max = 24 * kHourMs,
           .example = "30s"},
      }};
  return section;
}

const Section& input_section() {
  static const Section section = [] {
    Section all{"input",
                "What goes into a test: the path of a picture, a list of paths (in this order), or frames of a source "
                "whose frames are the same each time. Without a kind of source: of the job's own, whose relative "
                "path begins in the working folder, as ever.",
                frame_keys()};
    for (const SourceDecl& kind : source_kinds()) {
      if (!repeats(kind)) continue;
      all.keys.push_back(kind.what);
      all.keys.back().section = section_of(kind);
      if (section_of(kind) != nullptr) continue;
      for (const KeySpec& key : kind.keys)
        if (all.find(key.name) == nullptr) all.keys.push_back(key);
    }
    for (const char* name : {"fps", "max_pixels"}) all.keys.push_back(*source_section().find(name));
    all.keys[all.keys.size() - 2].doc = "Frames per second, by which the frames get their times.";
    all.keys[all.keys.size() - 2].default_text = "that of the job's source, or 25";
    all.keys.back().default_text = "that of the job's source";
    return all;
  }();
  return section;
}

const Section& expect_section() {
  static const Section section{
      "expect",
      "What has to come out of a test; all of it must hold. Picture, hash, objects and attributes are those of the "
      "last "
      "frame that came out.",
      {
          {.name = "outcome",
           .type = KeyType::choice,
           .doc =
               "What becomes of the last frame that goes in: a frame comes out (passed), none does (filtered), or it "
               "is dropped or dead on the way.",
           .default_text = "passed",
           .choices = {"passed", "filtered", "dropped", "dead"},
           .example = "dead"},
          {.name = "reason",
           .type = KeyType::text,
           .doc = "With dropped or dead: a text that stands in the reason.",
           .default_text = "any",
           .example = "task_error"},
          {.name = "frames",
           .type = KeyType::integer,
           .doc = "How many frames come out in all.",
           .default_text = "any number",
           .min = 0,
           .max = 1e9,
           .example = "3"},
          {.name = "picture",
           .type = KeyType::uri,
           .doc = "A picture to compare with: the same pixels, unless psnr or ssim says how near. `ride test --update` "
                  "writes it.",
           .example = "expected/street.png"},
          {.name = "psnr",
           .type = KeyType::number,
           .doc = "The picture's peak signal-to-noise ratio is at least this, in dB. The peak is 255 (8 bit), 65535 "
                  "(16 bit) or 1 (32 bit).",
           .min = 1,
           .max = 200,
           .example = "40"},
          {.name = "ssim",
           .type = KeyType::number,
           .doc = "The picture's structural similarity is at least this: mean over pixels and channels, Gaussian "
                  "window of 11 x 11 with sigma 1.5 (Wang et al. 2004).",
           .min = 0,
           .max = 1,
           .example = "0.98"},
          {.name = "sha256",
           .type = KeyType::text,
           .doc = "SHA-256 of the pixels: of a line as `480x640x3 8u` (rows, columns, channels, depth) with its line "
                  "feed, then the values row by row, BGR, little endian. new: `ride test --update` writes it.",
           .example = "new"},
          {.name = "objects",
           .type = KeyType::object_list,
           .doc = "Objects to be found (the attribute `detections`): each by one of its label whose box fits.",
           .section = &object_section(),
           .example = "[{ label: person, box: [310, 96, 64, 128] }]"},
          {.name = "iou",
           .type = KeyType::number,
           .doc = "A box fits when the area that both cover is this share of what they cover together.",
           .default_text = "0.5",
           .min = 0.01,
           .max = 1,
           .example = "0.7"},
          {.name = "min_score",
           .type = KeyType::number,
           .doc = "What was found with a lower score counts as not found.",
           .default_text = "all counts",
           .min = -1e9,
           .max = 1e9,
           .example = "0.5"},
          {.name = "extra",
           .type = KeyType::choice,
           .doc = "Whether more may be found than is listed.",
           .default_text = "refused",
           .choices = {"allowed", "refused"},
           .example = "allowed"},
          {.name = "at_least",
           .type = KeyType::integer,
           .doc = "So many of the listed objects must be found.",
           .default_text = "all",
           .min = 0,
           .max = 1e6,
           .example = "4"},
          {.name = "attributes",
           .type = KeyType::labels,
           .doc = "Attributes of the frame and their values; JSON is compared as JSON, all else as text.",
           .default_text = "any",
           .example = "{ motion: '0.25' }"},
      }};
  return section;
}

const Section& object_section() {
  static const Section section{
      "objects",
      "An object that a test expects.",
      {
          {.name = "label", .type = KeyType::text, .doc = "What it is.", .required = true, .example = "person"},
          {.name = "box",
           .type = KeyType::box,
           .doc = "Where it is: left, top, width, height.",
           .required = true,
           .example = "[310, 96, 64, 128]"},
      }};
  return section;
}

}  // namespace ride::topology
