#include "producer/make_source.h"

#include <spdlog/fmt/fmt.h>

#include "source_kinds/source_decl.h"

namespace ride::producer {

MadeSource make_source(const stream::JobSpec& job, const stream::SourceSpec& source, LogAccess& log,
                       ItemManifest& manifest, const Environment& environment, ItemWatch& watch) {
  for (const SourceMaker& maker : source_makers()) {
    if (maker.kind != source.kind) continue;
    return maker.make({.job = job,
                       .source = source,
                       .params = with_defaults(source_kind(source.kind), source.params),
                       .log = log,
                       .manifest = manifest,
                       .environment = environment,
                       .watch = watch});
  }
  return Error{
      ErrorCode::unsupported,
      fmt::format("source '{}' is of kind '{}', which this ride-producer does not know; is it older than the master?",
                  source.name, source.kind),
      false};
}

}  // namespace ride::producer
