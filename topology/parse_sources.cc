#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <map>

#include "common/suggest.h"
#include "topology/draft.h"
#include "topology/secrets.h"

namespace ride::topology {
namespace {

constexpr std::array kSchemes = {"rtsp", "rtsps", "rtmp", "rtp", "srt", "udp", "tcp", "http", "https"};
constexpr double kSyntheticFps = 30;

SourceKind kind_of(const std::string& name) {
  const auto& kinds = source_kinds();
  return static_cast<SourceKind>(std::find(kinds.begin(), kinds.end(), name) - kinds.begin());
}

// Exactly one of the keys camera, video, ... must be there.
std::optional<std::string> find_kind(Context& context, const SectionReader& reader, const YamlNode& node,
                                     const std::string& where) {
  if (node.kind != YamlNode::Kind::map) return std::nullopt;
  std::vector<std::string> found;
  for (const std::string& kind : source_kinds()) {
    if (reader.has(kind)) found.push_back(kind);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    context.error(node.place, fmt::format("{} does not say where its frames come from", where),
                  fmt::format("add one of {}", fmt::join(source_kinds(), ", ")));
  } else {
    context.error(reader.key_place(found[1]), fmt::format("{} is both a {} and a {}", where, found[0], found[1]),
                  "a source is one of them; make two sources, and name both in 'from'");
  }
  return std::nullopt;
}

void check_kind_keys(Context& context, const SectionReader& reader, const std::string& kind) {
  std::map<std::string, std::vector<std::string>> kinds_of;
  for (const KindKey& entry : kind_keys()) kinds_of[entry.key].push_back(entry.kind);
  for (const auto& [key, kinds] : kinds_of) {
    if (!reader.has(key) || std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    context.error(reader.key_place(key),
                  fmt::format("'{}' belongs to a {}, not to a {}", key, fmt::join(kinds, " or a "), kind),
                  fmt::format("remove '{}'", key));
  }
}

void read_synthetic(Context& context, SectionReader& reader, Source& source, const std::string& where) {
  SectionReader inner(context, *reader.entry("synthetic")->value, synthetic_section(), "synthetic of " + where);
  const std::int64_t width = inner.whole("width").value_or(640), height = inner.whole("height").value_or(480);
  const std::int64_t channels = inner.whole("channels").value_or(3), frames = inner.whole("frames").value_or(0);
  source.params = {{"width", width},
                   {"height", height},
                   {"channels", channels},
                   {"frames", frames},
                   {"seed", inner.whole("seed").value_or(1)},
                   {"scene", inner.text("scene").value_or("moving")}};
  source.finite = frames > 0;
  source.shape = FrameShape{height, width, static_cast<int>(channels), 1};
  source.fps = kSyntheticFps;  // unless the file says otherwise
}

void read_topic(Context& context, SectionReader& reader, Source& source) {
  source.uri = reader.text("topic").value_or("");
  const std::string format = reader.text("format").value_or("image");
  const std::string shape = reader.text("shape").value_or(""), depth = reader.text("depth").value_or("8u");
  if (format == "raw" && !reader.has("shape")) {
    context.error(reader.place("format"), "raw pixels need a shape to be read", "add shape: 900x900x1 (rows first)");
  }
  for (const char* key : {"shape", "depth"}) {
    if (format == "raw" || !reader.has(key)) continue;
    context.error(reader.key_place(key), fmt::format("'{}' is only for format: raw", key),
                  fmt::format("remove it, or write format: raw"));
  }
  const bool raw = format == "raw";
  source.params = {{"format", format}, {"shape", raw ? shape : ""}, {"depth", raw ? depth : ""}};
  if (raw) source.shape = parse_shape(shape, depth);
}

void read_kind(Context& context, SectionReader& reader, Source& source, const std::string& where) {
  const auto uri = [&](const char* key, bool camera) {
    source.uri = parse_uri(context, key, *reader.entry(key)->value, camera);
  };
  switch (source.kind) {
    case SourceKind::camera:
      uri("camera", true);
      break;
    case SourceKind::video: {
      uri("video", false);
      const std::int64_t plays = reader.whole("loop").value_or(1);
      source.params = {{"loop", plays}};
      source.finite = plays > 0;
      break;
    }
    case SourceKind::directory:
      uri("directory", false);
      source.params = {{"glob", reader.text("glob").value_or("*")},
                       {"recursive", reader.flag("recursive").value_or(false)}};
      source.finite = true;
      break;
    case SourceKind::synthetic:
      read_synthetic(context, reader, source, where);
      break;
    case SourceKind::topic:
      read_topic(context, reader, source);
      break;
  }
}

// How long a device or server may be silent; the producer has the defaults.
void read_patience(SectionReader& reader, Source& source) {
  for (const char* key : {"connect_timeout", "read_timeout"})
    if (const auto given = reader.duration(key))
      source.params[std::string(key) + "_ms"] = static_cast<std::int64_t>(given->count());
}

void read_common(Context& context, SectionReader& reader, Source& source) {
  const bool camera = source.kind == SourceKind::camera;
  if (const auto fps = reader.value("fps")) {
    source.unpaced = std::holds_alternative<std::string>(*fps);
    source.fps = source.unpaced ? std::nullopt : std::optional<double>(std::get<double>(*fps));
    if (source.unpaced && camera) {
      context.error(reader.place("fps"), "a camera gives frames at its own rate; 'fps: max' is for files",
                    "remove fps, or give the most that you want, for example fps: 30");
    }
  }
  source.codec = reader.text("codec").value_or("");
  source.drop_when_late = reader.text("when_late").value_or(camera ? "drop" : "keep") == "drop";
  source.max_age = reader.duration("max_age").value_or(milliseconds{0});
  source.node = reader.text("node").value_or("");
  source.max_pixels = reader.whole("max_pixels").value_or(kDefaultMaxPixels);
  if (source.shape && source.shape->pixels() > source.max_pixels) {
    context.error(reader.place("max_pixels"),
                  fmt::format("every frame has {} pixels, more than max_pixels ({}): all would be refused",
                              source.shape->pixels(), source.max_pixels),
                  "raise max_pixels, or make the frames smaller");
  }
}

std::optional<SourceDraft> parse_source(Context& context, const YamlEntry& entry) {
  SourceDraft draft;
  draft.name_place = entry.place;
  draft.source.name = entry.key;
  const std::string where = fmt::format("source '{}'", entry.key);
  if (!is_name(entry.key)) {
    const KeySpec name{.name = "name", .type = KeyType::name};
    context.error(entry.place, fmt::format("a source is named '{}', but {} is expected", entry.key, expected(name)),
                  "rename the source");
  }
  SectionReader reader(context, *entry.value, source_section(), where);
  const auto kind = find_kind(context, reader, *entry.value, where);
  if (!kind) return draft;
  draft.source.kind = kind_of(*kind);
  check_kind_keys(context, reader, *kind);
  read_kind(context, reader, draft.source, where);
  if (draft.source.kind == SourceKind::camera || draft.source.kind == SourceKind::video)
    read_patience(reader, draft.source);
  read_common(context, reader, draft.source);
  return draft;
}

bool is_device(std::string_view text) {
  return text.starts_with("/dev/") ||
         (!text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string_view::npos);
}

void check_camera(Context& context, const YamlNode& node, const std::string& uri) {
  if (is_device(uri)) return;
  const std::size_t separator = uri.find("://");
  const std::string scheme = separator == std::string::npos ? "" : uri.substr(0, separator);
  if (std::find(kSchemes.begin(), kSchemes.end(), scheme) != kSchemes.end()) return;
  std::vector<std::string> known(kSchemes.begin(), kSchemes.end());
  if (scheme == "file" || (scheme.empty() && !has_variables(node.text))) {
    context.error(node.place, "a camera is a URL, a device such as /dev/video0 or a device's index",
                  "for a file write video: PATH, for a folder directory: PATH");
  } else {
    context.error(node.place,
                  fmt::format("a camera's URL has an unknown scheme{}",
                              has_variables(node.text) ? "" : did_you_mean(scheme, known)),
                  fmt::format("known: {}", fmt::join(known, ", ")));
  }
}

}  // namespace

std::string parse_uri(Context& context, const std::string& key, const YamlNode& node, bool camera) {
  const char* what = camera ? "a URL, a device or its index" : "a path or URL";
  if (node.kind != YamlNode::Kind::scalar || node.text.empty()) {
    context.error(node.place,
                  fmt::format("'{}' is {}, but {} is expected", key,
                              node.kind == YamlNode::Kind::scalar ? "empty" : kind_text(node.kind), what),
                  fmt::format("write {}: {}", key, source_section().find(key)->example));
    return "";
  }
  const auto parts = parse_template(node.text);
  if (!parts.ok()) {
    context.error(node.place, parts.error().message, "write ${NAME} or ${NAME:-default}; a plain '$' is '$$'");
    return "";
  }
  if (has_literal_secret(node.text)) {
    context.error(node.place, "a password or token is in the file, where everybody who sees the job could read it",
                  "write rtsp://${GATE_USER}:${GATE_PASS}@host and set the variables on the producer's node");
    return "";
  }
  const auto unset = unset_variables(node.text, context.environment());
  if (!unset.empty()) {
    context.warning(node.place, unset_text(unset) + " here",
                    "the process that opens the source needs it: set it where the agent or producer starts");
    return node.text;
  }
  if (camera) check_camera(context, node, *expand_variables(node.text, context.environment()));
  return node.text;
}

std::vector<SourceDraft> parse_sources(Context& context, const YamlNode& sources) {
  std::vector<SourceDraft> drafts;
  if (sources.kind != YamlNode::Kind::map) {
    context.error(sources.place,
                  fmt::format("'sources' is {}, but a map from names to sources is expected", kind_text(sources.kind)),
                  "write sources: { gate: { camera: 0 } }");
    return drafts;
  }
  if (sources.entries.size() > kMaxSources) {
    context.error(sources.place, fmt::format("{} sources; at most {} make a job", sources.entries.size(), kMaxSources),
                  "split the job");
    return drafts;
  }
  for (const YamlEntry& entry : sources.entries) {
    if (auto draft = parse_source(context, entry)) drafts.push_back(std::move(*draft));
  }
  return drafts;
}

}  // namespace ride::topology
