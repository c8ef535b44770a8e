#include "producer/source_request.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/log.h"
#include "common/redact.h"
#include "source_kinds/source_decl.h"

namespace ride::producer {

Result<std::string> filled_uri(const SourceRequest& request) {
  const auto& source = request.source;
  auto uri = expand_variables(source.uri, request.environment);
  if (!uri)
    return Error{uri.error().code, fmt::format("{} '{}': {}", source.kind, source.uri, uri.error().message), false};
  return uri;
}

Result<std::string> filled_secret_uri(const SourceRequest& request) {
  const auto& source = request.source;
  auto uri = expand_secrets(source.uri, request.environment);
  if (!uri)
    return Error{uri.error().code, fmt::format("{} {}: {}", source.kind, redact(source.uri), uri.error().message),
                 false};
  return uri;
}

std::vector<Codec> wanted_codecs(const stream::SourceSpec& source) {
  std::vector<Codec> wanted;
  for (const stream::OutputSpec& output : source.outputs) {
    const std::string text = output.codec.empty() ? default_codec(source) : output.codec;
    if (auto codec = parse_codec(text); !text.empty() && codec.ok()) wanted.push_back(*codec);
  }
  return wanted;
}

Patience patience_of(const SourceRequest& request) {
  constexpr std::int64_t kLeast = 1, kMost = 3'600'000;
  const auto wait = [&](const char* name) {
    return std::chrono::milliseconds(std::clamp(get_int(request.params, name), kLeast, kMost));
  };
  return {.connect = wait("connect_timeout_ms"), .read = wait("read_timeout_ms")};
}

std::string default_codec(const stream::SourceSpec& source) {
  if (!source.codec.empty()) return source.codec;
  const auto of_kind = source_kind(source.kind).default_codec;
  return of_kind == nullptr ? "" : of_kind(source.uri);
}

}  // namespace ride::producer
