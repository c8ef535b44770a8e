// Declarations of the sinks, the tasks that end a flow.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "worker/tasks/declarations.h"
#include "worker/tasks/path_template.h"

namespace ride::tasks {
namespace {

std::optional<std::string> path_problem(const ParamValue& value, const std::vector<std::string>& fields,
                                        const std::vector<std::string>& extensions, const std::string& needed) {
  const auto path = PathTemplate::parse(std::get<std::string>(value), fields);
  if (!path) return path.error().message;
  if (path->ends_with("file")) return std::nullopt;  // it names the frame, and brings its type
  const std::string extension = path->extension();
  if (std::find(extensions.begin(), extensions.end(), extension) == extensions.end()) {
    return fmt::format("its file type must be one of: .{}", fmt::join(extensions, ", ."));
  }
  if (path->uses(needed) || path->uses("file") || path->uses("file_stem")) return std::nullopt;
  return fmt::format("it needs {{{}}}, or all would be written under one name", needed);
}

std::optional<std::string> image_path(const ParamValue& value) {
  return path_problem(value, image_path_fields(), {"jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"}, "seq");
}

std::optional<std::string> video_path(const ParamValue& value) {
  return path_problem(value, video_path_fields(), {"avi"}, "segment");
}

std::optional<std::string> print_path(const ParamValue& value) {
  if (std::get<std::string>(value).empty()) return std::nullopt;
  const auto path = PathTemplate::parse(std::get<std::string>(value), print_path_fields());
  return path ? std::nullopt : std::optional(path.error().message);
}

std::optional<std::string> above_zero(const ParamValue& value) {
  if (std::get<double>(value) > 0) return std::nullopt;
  return "a number above 0 is needed";
}

ParamSpec quality() {
  return {.name = "quality",
          .type = ParamType::integer,
          .doc = "JPEG quality of pictures that are encoded here; those that come as JPEG keep their bytes",
          .default_value = std::int64_t{90},
          .min = 1,
          .max = 100};
}

ParamSpec sync() {
  return {
      .name = "sync",
      .type = ParamType::boolean,
      .doc = "Wait until the disk holds it before the frame is ACKed; false is faster, but a power cut may take files",
      .default_value = true};
}

TaskDecl write_images() {
  return {
      .name = "write_images",
      .doc =
          "Writes each picture as a file: under a temporary name, synced, then renamed, so that a file with its final "
          "name is whole. A frame that comes again after a failover gets the same name.",
      .params = {{.name = "path",
                  .doc = "Where to write, with {job} {run} {stage} {from} {source} {session} {seq} {file} {file_stem} "
                         "filled in ({seq:06}: "
                         "with zeros; {from}: the source or stage that the picture comes from; {file}: the name of "
                         "the picture's file in a directory source, with the folders within the source's; {file_stem}: "
                         "without its extension); the extension says how it is encoded",
                  .default_value = std::string("out/{source}/{session}/{seq}.jpg"),
                  .rule = image_path,
                  .rule_doc = "holds {seq}, {file} or {file_stem}; ends in .jpg, .jpeg, .png, .tif, .tiff, .bmp or "
                              ".webp, or with {file}"},
                 quality(),
                 {.name = "on_conflict",
                  .doc = "When a file of that name holds other bytes: overwrite it, or fail",
                  .default_value = std::string("overwrite"),
                  .choices = {"overwrite", "fail"}},
                 sync()},
      .outputs = {},
      .sink = true,
      .files_param = "path"};
}

TaskDecl write_video() {
  return {
      .name = "write_video",
      .doc =
          "Writes each source as closed segments of Motion JPEG in AVI: under a temporary name, synced, then renamed "
          "to the number of the segment's first frame. The open segments of all sources of a partition are closed "
          "together, so that "
          "each frame is in one segment whoever goes on. Missing frames are left out; JPEG pictures keep their bytes.",
      .params =
          {{.name = "path",
            .doc =
                "Where to write, with {job} {run} {stage} {from} {source} {session} {segment} filled in; {segment} is "
                "the number of its first frame",
            .default_value = std::string("out/{source}/{session}/{segment:08}.avi"),
            .rule = video_path,
            .rule_doc = "holds {segment}; ends in .avi"},
           {.name = "fps",
            .type = ParamType::number,
            .doc = "Frames per second at which the video plays",
            .default_value = 10.0,
            .max = 1000,
            .rule = above_zero,
            .rule_doc = "above 0"},
           {.name = "segment_frames",
            .type = ParamType::integer,
            .doc = "Source frames that a segment spans at most",
            .default_value = std::int64_t{300},
            .min = 1,
            .max = 1000000},
           quality(),
           sync()},
      .outputs = {},
      .sink = true,
      .needs_order = true,
      .files_param = "path"};
}

TaskDecl print() {
  return {
      .name = "print",
      .doc =
          "Writes one line for each frame: identity, capture time, shape and attributes. After a failover a line may "
          "come twice.",
      .params = {{.name = "path",
                  .doc = "File to append to, with {job} {run} {stage} {worker} filled in; empty: standard output",
                  .default_value = std::string(),
                  .rule = print_path,
                  .rule_doc = "no other placeholders"},
                 {.name = "format",
                  .doc = "One JSON object, or text for people",
                  .default_value = std::string("text"),
                  .choices = {"json", "text"}},
                 sync()},
      .outputs = {},
      .sink = true};
}

TaskDecl discard() {
  return {.name = "discard", .doc = "Takes each frame and does nothing with it.", .outputs = {}, .sink = true};
}

}  // namespace

std::vector<TaskDecl> sink_declarations() { return {write_images(), write_video(), print(), discard()}; }

}  // namespace ride::tasks
