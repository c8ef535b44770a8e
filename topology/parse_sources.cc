#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <map>

#include "common/suggest.h"
#include "source_kinds/camera_uri.h"
#include "topology/draft.h"
#include "topology/secrets.h"

namespace ride::topology {
namespace {

constexpr std::array kSchemes = {"rtsp", "rtsps", "rtmp", "rtp", "srt", "udp", "tcp", "http", "https"};

std::vector<const SourceDecl*> kinds_named(const SectionReader& reader) {
  std::vector<const SourceDecl*> found;
  for (const SourceDecl& kind : source_kinds()) {
    if (reader.knows(kind.name) && reader.has(kind.name)) found.push_back(&kind);
  }
  return found;
}

// Exactly one of the keys camera, video, ... must be there.
const SourceDecl* find_kind(Context& context, const SectionReader& reader, const YamlNode& node,
                            const std::string& where) {
  if (node.kind != YamlNode::Kind::map) return nullptr;
  const auto found = kinds_named(reader);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    context.error(node.place, fmt::format("{} does not say where its frames come from", where),
                  fmt::format("add one of {}", fmt::join(source_kind_names(), ", ")));
  } else {
    context.error(reader.key_place(found[1]->name),
                  fmt::format("{} is both a {} and a {}", where, found[0]->name, found[1]->name),
                  "a source is one of them; make two sources, and name both in 'from'");
  }
  return nullptr;
}

// `what`: the source in words, where it is not "a KIND".
void check_kind_keys(Context& context, const SectionReader& reader, const std::string& kind,
                     const std::string& what = "") {
  std::map<std::string, std::vector<std::string>> kinds_of;
  for (const KindKey& entry : kind_keys()) kinds_of[entry.key].push_back(entry.kind);
  for (const auto& [key, kinds] : kinds_of) {
    if (!reader.knows(key) || !reader.has(key) || std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    context.error(reader.key_place(key),
                  fmt::format("'{}' belongs to a {}, not to {}", key, fmt::join(kinds, " or a "),
                              what.empty() ? "a " + kind : what),
                  fmt::format("remove '{}'", key));
  }
}

// Each key of the kind as the file has it, or its default.
void read_params(Context& context, SectionReader& reader, Source& source) {
  std::vector<std::string> given;
  for (const KeySpec& key : source.kind->keys) {
    if (reader.has(key.name)) given.push_back(key.name);
    if (auto value = reader.value(key.name))
      source.params[key.param_name()] = std::move(*value);
    else if (key.default_value && !key.only_if_given)
      source.params[key.param_name()] = *key.default_value;
  }
  if (source.kind->settle == nullptr) return;
  for (const KeyFault& fault : source.kind->settle(given, source.params))
    context.error(fault.at_value ? reader.place(fault.key) : reader.key_place(fault.key), fault.message, fault.fix);
}

void read_kind(Context& context, SectionReader& reader, Source& source, const std::string& where, bool warns = true) {
  const SourceDecl& kind = *source.kind;
  if (const Section* section = section_of(kind)) {
    SectionReader inner(context, *reader.entry(kind.name)->value, *section, kind.name + " of " + where);
    read_params(context, inner, source);
  } else {
    const bool camera = kind.what.type == KeyType::camera;
    source.uri = camera || kind.what.type == KeyType::uri
                     ? parse_uri(context, kind.name, *reader.entry(kind.name)->value, camera, warns)
                     : reader.text(kind.name).value_or("");
    read_params(context, reader, source);
  }
  source.finite = kind.finite != nullptr && kind.finite(source.params);
  if (kind.shape != nullptr) source.shape = kind.shape(source.params);
  source.fps = kind.fps;  // unless the file says otherwise
}

void check_max_pixels(Context& context, const SectionReader& reader, const Source& source) {
  if (!source.shape || source.shape->pixels() <= source.max_pixels) return;
  context.error(reader.place("max_pixels"),
                fmt::format("every frame has {} pixels, more than max_pixels ({}): all would be refused",
                            source.shape->pixels(), source.max_pixels),
                "raise max_pixels, or make the frames smaller");
}

void read_common(Context& context, SectionReader& reader, Source& source) {
  if (const auto fps = reader.value("fps")) {
    source.unpaced = std::holds_alternative<std::string>(*fps);
    source.fps = source.unpaced ? std::nullopt : std::optional<double>(std::get<double>(*fps));
    if (source.unpaced && source.kind->live) {
      context.error(reader.place("fps"),
                    fmt::format("a {} gives frames at its own rate; 'fps: max' is for files", source.kind->name),
                    "remove fps, or give the most that you want, for example fps: 30");
    }
  }
  source.codec = reader.text("codec").value_or("");
  source.drop_when_late = reader.text("when_late").value_or(source.kind->drop_when_late ? "drop" : "keep") == "drop";
  source.max_age = reader.duration("max_age").value_or(milliseconds{0});
  source.node = reader.text("node").value_or("");
  source.max_pixels = reader.whole("max_pixels").value_or(kDefaultMaxPixels);
  check_max_pixels(context, reader, source);
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
  draft.source.kind = find_kind(context, reader, *entry.value, where);
  if (draft.source.kind == nullptr) return draft;
  check_kind_keys(context, reader, draft.source.kind->name);
  read_kind(context, reader, draft.source, where);
  read_common(context, reader, draft.source);
  return draft;
}

void check_camera(Context& context, const YamlNode& node, const std::string& uri) {
  if (device_path(uri)) return;
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

std::string parse_uri(Context& context, const std::string& key, const YamlNode& node, bool camera, bool warns) {
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
    if (warns)
      context.warning(node.place, unset_text(unset) + " here",
                      "the process that opens the source needs it: set it where the agent or producer starts");
    return node.text;
  }
  if (camera) check_camera(context, node, *expand_variables(node.text, context.environment()));
  return node.text;
}

void parse_input_source(Context& context, const YamlNode& node, const std::string& where, TestInput& input) {
  SectionReader reader(context, node, input_section(), where);
  if (node.kind != YamlNode::Kind::map) return;
  input.frame = reader.whole("frame").value_or(0);
  input.frames = reader.whole("frames").value_or(1);
  input.max_pixels = reader.whole("max_pixels");
  if (const auto fps = reader.value("fps"); fps && std::holds_alternative<double>(*fps))
    input.fps = std::get<double>(*fps);
  if (kinds_named(reader).empty()) {
    check_kind_keys(context, reader, "", "the job's own source");
    return;
  }
  Source source;
  source.kind = find_kind(context, reader, node, where);
  if (source.kind == nullptr) return;
  check_kind_keys(context, reader, source.kind->name);
  read_kind(context, reader, source, where, false);  // whoever runs the test knows
  source.max_pixels = input.max_pixels.value_or(kDefaultMaxPixels);
  check_max_pixels(context, reader, source);
  input.kind = source.kind;
  input.uri = source.uri;
  input.params = std::move(source.params);
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
