// The reference page of the topology file, written from the declarations.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "topology/keys.h"
#include "topology/schema.h"

namespace ride::topology {
namespace {

const char* const kIntroduction = R"(# The topology file

Every key of a topology file, written from the declarations in `topology/keys.cc` and `source_kinds/` by the test
`TopologyReference.ThePageIsWhatTheDeclarationsSay`; do not edit by hand. `ride schema` prints the same as a JSON Schema for editors, `ride
tasks` lists the tasks with their parameters, `ride validate FILE` checks a file.

A file describes a job: sources write frames into the topics of stages, a stage's workers run its task on each frame and
write what comes out into the topics of the stages that name it in `from`, sinks end the flow.

```yaml
ride: v1
name: street
sources:
  gate: { camera: "rtsp://${CAM_USER}:${CAM_PASS}@gate.example/stream", fps: 30 }
stages:
  - name: people
    from: [gate]
    topic: { partitions: 6 }
    task: detect_people
    group: { min: 1, max: 3, spares: 1 }
sinks:
  - { name: album, from: [people], task: write_images, params: { path: "out/{source}/{session}/{seq}.jpg" } }
```

## Rules
- Names of jobs, sources, stages and sinks have `a-z`, `0-9`, `-` and `_`, start with a letter or digit and have at most 64
  characters. Stages, sinks and sources share one set of names.
- `from: [a, b.port]`: a source, a stage (its task's first output port) or one port of it. A stage is read once by the same
  reader. No circles.
- A source that no stage reads is not opened, and a stage whose frames nobody reads works for nothing: both are warnings.
- Durations and sizes carry a unit (`10m`, `2GiB`).
- A Kafka broker holds some thousand partitions: above 4000 in all topics of a job `ride validate` warns, above 20000 it refuses.
- A task that needs each source's frames in order makes its topic `partition_by: source`.
- `split` cuts each picture into stripes or tiles, and `merge` puts them together: what stands between the two works on one picture with several
  workers (`topology/examples/stripes.yaml`). There only tasks may stand that look at a pixel's neighbours (`ride tasks` shows
  which are splittable), one stage behind the other; a stage that reads the split may do so beside others, each way ends at a merge of its own.
  The split takes along as many of the neighbours' pixels as all tasks up to the merge need together, at most 100,000. These stages are partitioned by tile: give them at least as
  many partitions as there are stripes. No sink, no `output`, no `codec: jpeg` there, and a test begins at the split or before it and ends
  at the merge or behind it. A picture with a tile that is dead, dropped, filtered or does not come is dead at the merge: `incomplete: tile 2 of 4: …`.
- `output` writes into a topic outside the job as well, one writer to a topic. A stage may have readers and an `output`.
- An adopted topic is read in place: RIDE neither changes nor deletes it, and its stage has no `from`.
- Sinks write only where the node of their worker lets them (`ride-agent --output DIR`, by default its working folder; relative paths
  begin in the first): a `path` elsewhere is refused at submit, and again by the worker, symbolic links included.
- `{file}` in the `path` of `write_images` is the name of the picture's own file, for frames of a `directory` source: `pictures/p01.jpg`
  becomes `p01.jpg`, and with `recursive` the folders within are made again (`day1/p01.jpg`), so two files of one name do not meet. A path
  that ends in `{file}` keeps the file's type (JPEG, PNG, TIFF, BMP, WebP, PGM, PPM); `{file_stem}.png` is the name without its extension, in
  another type (`p01.jpg` and `p01.png` of one folder would then meet: use `{file}.png`). Names stay as they are, except for what
  could lead out of the folder, hide a file or confuse a terminal: that is written as `%XX`. Frames of cameras, videos and synthetic scenes come
  from no file of their own: there `{file}` is an error.
- YAML anchors and aliases work; tags and merge keys (`<<`) are refused. Files are UTF-8, at most 1 MiB.

## Variables and credentials
`${NAME}` and `${NAME:-default}` are filled in from the environment of the program that reads the file; `$$` is a plain `$`. A
variable that is not set and has no default is an error. Inside `{ }` and `[ ]` YAML wants quotes around it:
`{ partitions: "${N}" }`; the value still counts as a number.

The URIs of `camera`, `video` and `directory` keep their variables: only the producer that opens the source fills them in, from its own
environment. So credentials are in no decision, log or API. A password or token written out in a URI (also alone before
the `@`, as in `rtsp://TOKEN@host`), or as a variable's default, is refused. Messages show the URI or path as it is written here, with
its variables. All other values are visible to everybody who can see the job.
)";

std::string type_text(const KeySpec& key) {
  switch (key.type) {
    case KeyType::name:
      return "name";
    case KeyType::topic_name:
      return "topic name";
    case KeyType::duration:
      return "duration";
    case KeyType::bytes:
      return "size";
    case KeyType::codec:
      return "codec";
    case KeyType::shape:
      return "shape";
    case KeyType::section:
      return fmt::format("[map](#{})", key.section->name);
    case KeyType::outputs:
      return fmt::format("[map](#{}), or a map from port to it", key.section->name);
    case KeyType::source_map:
      return "[map from name to source](#sources)";
    case KeyType::stage_list:
      return "[list](#stages)";
    case KeyType::sink_list:
      return "[list](#sinks)";
    case KeyType::test_list:
    case KeyType::object_list:
      return fmt::format("[list](#{})", key.section->name);
    case KeyType::test_input:
      return fmt::format("a picture's path, a list of them, or a [map](#{})", key.section->name);
    case KeyType::params:
      return "map of the task's parameters";
    case KeyType::labels:
      return "map of texts";
    case KeyType::files:
      return "list of paths";
    case KeyType::boolean:
    case KeyType::integer:
    case KeyType::number:
    case KeyType::text:
    case KeyType::choice:
    case KeyType::pixels:
    case KeyType::camera:
    case KeyType::uri:
    case KeyType::fps:
    case KeyType::loop:
    case KeyType::references:
    case KeyType::box:
      return expected(key);
  }
  return "";
}

std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string section_text(const Section& section) {
  std::string text =
      fmt::format("\n## {}\n{}\n\n| key | value | default | meaning |\n|---|---|---|---|\n", section.name, section.doc);
  for (const KeySpec& key : section.keys) {
    text += fmt::format("| `{}` | {} | {} | {} For example `{}`. |\n", key.name, cell(type_text(key)),
                        key.required ? "required" : cell(default_words(key)), cell(key.doc), cell(key.example));
  }
  return text;
}

}  // namespace

std::string reference_page() {
  std::string page = kIntroduction;
  for (const Section* section : all_sections()) page += section_text(*section);
  return page;
}

}  // namespace ride::topology
