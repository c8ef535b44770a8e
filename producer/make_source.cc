#include "producer/make_source.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/log.h"
#include "producer/outgoing.h"
#include "producer/sources/capture_device.h"
#include "producer/sources/capture_stream.h"
#include "producer/sources/directory_source.h"
#include "producer/sources/synthetic_source.h"
#include "producer/sources/topic_source.h"
#include "producer/sources/video_file_source.h"

namespace ride::producer {
namespace {

// The topology's parser has checked the parameters and filled in defaults; an older plan may lack one.
template <class T>
T param(const stream::SourceSpec& source, const std::string& name, T otherwise) {
  const auto found = source.params.find(name);
  if (found == source.params.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  return value != nullptr ? *value : otherwise;
}

std::vector<Codec> wanted_codecs(const stream::SourceSpec& source) {
  std::vector<Codec> wanted;
  for (const stream::OutputSpec& output : source.outputs) {
    const std::string text = output.codec.empty() ? default_codec(source) : output.codec;
    if (auto codec = parse_codec(text); !text.empty() && codec.ok()) wanted.push_back(*codec);
  }
  return wanted;
}

// Within bounds, whoever wrote the plan.
Patience patience_of(const stream::SourceSpec& source) {
  using std::chrono::milliseconds;
  constexpr std::int64_t kLeast = 1, kMost = 3'600'000;
  const Patience defaults;
  const auto wait = [&](const char* name, milliseconds otherwise) {
    return milliseconds(std::clamp(param<std::int64_t>(source, name, otherwise.count()), kLeast, kMost));
  };
  return {.connect = wait("connect_timeout_ms", defaults.connect), .read = wait("read_timeout_ms", defaults.read)};
}

Result<std::unique_ptr<Source>> make_camera(const stream::SourceSpec& source, const Environment& environment) {
  auto uri = expand_secrets(source.uri, environment);
  if (!uri)
    return Error{uri.error().code, fmt::format("camera {}: {}", redact(source.uri), uri.error().message), false};
  LiveOptions options{.shown = redact(source.uri),
                      .max_fps = source.fps,
                      .max_pixels = source.max_pixels,
                      .patience = patience_of(source)};
  if (const auto path = device_path(*uri)) {
    if (!has_variables(source.uri)) options.shown = *path;
    return std::unique_ptr<Source>(std::make_unique<LiveSource>(
        options, [path = *path, shown = options.shown, fps = source.fps, read = options.patience.read] {
          return make_device_grabber(path, shown, fps, read);
        }));
  }
  if (scheme_of(*uri).empty()) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("camera '{}' is neither a device (0, /dev/video0) nor a URL (rtsp://...)", redact(source.uri)),
        false};
  }
  const StreamOptions stream{.url = *uri, .shown = options.shown, .patience = options.patience};
  return std::unique_ptr<Source>(
      std::make_unique<LiveSource>(options, [stream] { return make_stream_grabber(stream); }));
}

SyntheticOptions synthetic_options(const stream::SourceSpec& source) {
  const SyntheticOptions defaults;
  return {
      .width = static_cast<int>(param<std::int64_t>(source, "width", defaults.width)),
      .height = static_cast<int>(param<std::int64_t>(source, "height", defaults.height)),
      .channels = static_cast<int>(param<std::int64_t>(source, "channels", defaults.channels)),
      .frames = param<std::int64_t>(source, "frames", defaults.frames),
      .seed = param<std::int64_t>(source, "seed", defaults.seed),
      .scene = param<std::string>(source, "scene", "moving") == "noise" ? Scene::noise : Scene::moving,
  };
}

}  // namespace

Result<std::unique_ptr<Source>> make_source(const stream::JobSpec& job, const stream::SourceSpec& source,
                                            LogAccess& log, ItemManifest& book, const Environment& environment,
                                            ItemWatch& watch) {
  if (source.kind == "camera") return make_camera(source, environment);
  if (source.kind == "synthetic") {
    return std::unique_ptr<Source>(std::make_unique<SyntheticSource>(synthetic_options(source)));
  }
  auto uri = expand_variables(source.uri, environment);
  if (!uri)
    return Error{uri.error().code, fmt::format("{} '{}': {}", source.kind, source.uri, uri.error().message), false};
  if (source.kind == "video") {
    return std::unique_ptr<Source>(
        std::make_unique<VideoFileSource>(VideoFileOptions{.path = *uri,
                                                           .shown = redact(source.uri),
                                                           .plays = param<std::int64_t>(source, "loop", 1),
                                                           .max_pixels = source.max_pixels,
                                                           .patience = patience_of(source)}));
  }
  if (source.kind == "directory") {
    return std::unique_ptr<Source>(
        std::make_unique<DirectorySource>(DirectoryOptions{.path = *uri,
                                                           .shown = redact(source.uri),
                                                           .glob = param<std::string>(source, "glob", "*"),
                                                           .recursive = param<bool>(source, "recursive", false),
                                                           .max_pixels = source.max_pixels,
                                                           .wanted = wanted_codecs(source),
                                                           .watch = &watch},
                                          book));
  }
  if (source.kind == "topic") {
    return std::unique_ptr<Source>(std::make_unique<TopicSource>(
        TopicOptions{.topic = *uri,
                     .group = fmt::format("{}.{}.{}.{}", job.prefix, job.job.value, job.run.value, source.name),
                     .journal = job.manifest_topic(source.name),
                     .format = {.format = param<std::string>(source, "format", "image"),
                                .shape = param<std::string>(source, "shape", ""),
                                .depth = param<std::string>(source, "depth", "8u")},
                     .max_pixels = source.max_pixels,
                     .wanted = wanted_codecs(source),
                     .watch = &watch},
        log));
  }
  return Error{
      ErrorCode::unsupported,
      fmt::format("source '{}' is of kind '{}', which this ride-producer does not know; is it older than the master?",
                  source.name, source.kind),
      false};
}

}  // namespace ride::producer
